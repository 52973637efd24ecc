"""``python -m auriga_cli``: the same as ``auriga``."""

from auriga_cli.main import main

main()
