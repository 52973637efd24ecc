"""Talking to an Auriga that runs somewhere: its address, its status, its answers. Knows nothing of terminals."""
