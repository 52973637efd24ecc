"""The Kubernetes objects that a served Model owns, as manifests. Pure: a Model and settings in, JSON out."""
