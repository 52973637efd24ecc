"""The `auriga` command, and local mode: the same YAML without a cluster."""
