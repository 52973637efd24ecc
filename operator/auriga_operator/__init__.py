"""Turns Models and RoleChains into Kubernetes objects and truthful status."""
