"""Free TCP ports for programs that cannot choose one themselves."""

import random
import socket

# Below the ports that Linux (32768 and up) and macOS (49152 and up) give to outgoing connections: one of those could
# take a port between the moment it was found free and the moment its program listens.
CANDIDATES = range(20000, 30000)
_given: set[int] = set()  # by this process, and perhaps not listened on yet


def free_ports(count: int) -> list[int]:
    """`count` ports that nobody listens on at any address, each given once. Raises OSError after 200 tries."""
    found: list[int] = []
    for port in random.sample(CANDIDATES, 200):
        if len(found) == count:
            break
        if port not in _given and _free(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"no free port in {CANDIDATES.start}-{CANDIDATES.stop - 1}")
    _given.update(found)
    return found


def _free(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind(("", port))
        except OSError:
            return False
    return True
