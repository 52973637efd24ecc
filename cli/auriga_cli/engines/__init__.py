"""Engines: the programs that serve weights on this machine, and the command line that each of them takes.

Nothing here starts a process: `auriga_cli.local` does.
"""
