"""A Kubernetes cluster as a source: lists and watches become snapshots. ``source`` is the whole, the rest its parts."""
