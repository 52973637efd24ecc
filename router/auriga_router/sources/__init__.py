"""Where the router learns what to route: each source yields values that become snapshots."""
