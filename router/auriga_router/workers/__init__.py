"""Several processes that are one router (``--workers``): only they need what is here.

``parent`` starts them and looks after them; ``group`` is what they have in common, ``place`` and ``shares`` what of a
limit is each one's. ``peers`` is how they ask each other in ``lines``, and ``pages`` answers for all: with
``merged_*``, which are pure.
"""
