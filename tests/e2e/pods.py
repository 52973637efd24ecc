"""What a cluster cannot do to a pod itself: its processes on this machine, killed or frozen without a word."""

from collections.abc import Iterator
from contextlib import contextmanager

from e2e import cluster
from e2e.kubectl import Object

# By their control group. Some go with the one before them.
SCRIPT = """
for group in $(grep --files-with-matches --extended-regexp "$1" /proc/[0-9]*/cgroup 2> /dev/null); do
  process=${group#/proc/}
  kill -s "$0" "${process%/cgroup}" || test ! -e "$group"
done
"""


def kill(pod: Object) -> None:
    """Ends all of its processes at once: nobody drains, nobody says goodbye."""
    _signal("KILL", _group(pod))


def kill_container(pod: Object, name: str) -> None:
    """Ends this container's processes, as a crash does; the pod stays, with its address."""
    (identity,) = [each["containerID"] for each in pod["status"]["containerStatuses"] if each["name"] == name]
    _signal("KILL", identity.rpartition("/")[2])


@contextmanager
def frozen(pod: Object) -> Iterator[None]:
    """A time in which none of its processes does anything, while their connections stay open."""
    _signal("STOP", _group(pod))
    try:
        yield
    finally:
        _signal("CONT", _group(pod))


def _group(pod: Object) -> str:
    """A pattern of its group's name, which holds its uid: with underscores where systemd makes it."""
    uid = pod["metadata"]["uid"]
    return f"pod({uid}|{uid.replace('-', '_')})"


def _signal(name: str, group: str) -> None:
    cluster.on_node("sh", "-c", SCRIPT, name, group)
