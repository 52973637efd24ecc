"""Weights: resolved to file, revision and hash; fetched once, with resume.

``python -m auriga_operator.weights`` is the program: one request on stdin, events on stdout. It runs as a child of
``auriga up`` and alone in a pod. Inside: observe (hub, url, file) -> decide (choose, quantization, retry; pure) ->
act (transfer, partial, store) -> report (progress, events). Nothing here knows Kubernetes.
"""
