"""What a cluster cannot do to a pod itself: its processes on this machine, killed or frozen without a word."""

from collections.abc import Iterator
from contextlib import contextmanager

from e2e import cluster
from e2e.kubectl import Object

# By their control group, whose name holds the pod's uid: with underscores where systemd makes it.
SCRIPT = """
for group in $(grep --files-with-matches --extended-regexp "pod($1|$2)" /proc/[0-9]*/cgroup 2> /dev/null); do
  process=${group#/proc/}
  kill -s "$0" "${process%/cgroup}"
done
"""


def kill(pod: Object) -> None:
    """Ends all of its processes at once: nobody drains, nobody says goodbye."""
    _signal(pod, "KILL")


@contextmanager
def frozen(pod: Object) -> Iterator[None]:
    """A time in which none of its processes does anything, while their connections stay open."""
    _signal(pod, "STOP")
    try:
        yield
    finally:
        _signal(pod, "CONT")


def _signal(pod: Object, name: str) -> None:
    uid = pod["metadata"]["uid"]
    cluster.on_node("sh", "-c", SCRIPT, name, uid, uid.replace("-", "_"))
