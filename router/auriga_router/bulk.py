"""How much there may be in a large body, counted before it is parsed: a list takes 30 times its bytes. Pure.

31 MB of ``[],`` are a GB of lists, and seconds in which nobody else is served.
"""

from __future__ import annotations

from typing import Final

LARGE: Final = 256 * 1024
"""Bytes of a body in which there could be too much."""
MOST_CONTAINERS: Final = 100_000
"""Objects and lists: 20 to 60 ms of parsing. Of a long conversation each turn has three."""
MOST_STRINGS: Final = 300_000
"""Keys are strings, too: up to 100 ms."""
MOST_VALUES: Final = 1_000_000
"""Such as the tokens of a prompt: 20 to 60 ms."""


def excess(body: bytes) -> str:
    """What there is too much of in a body; empty if nothing.

    Marks are counted first, which takes as long as to copy the body. Those of a long listing stand in its strings.
    """
    if body.count(b"[") + body.count(b"{") <= MOST_CONTAINERS and body.count(b",") <= MOST_STRINGS:
        return ""
    # Without what is escaped, a quote begins or ends a string. What is no JSON the parser leaves where that shows.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 2 * MOST_STRINGS:
        return f"more than {MOST_STRINGS} strings"
    outside = b"".join(plain.split(b'"')[::2])
    if outside.count(b"[") + outside.count(b"{") > MOST_CONTAINERS:
        return f"more than {MOST_CONTAINERS} objects and lists"
    return f"more than {MOST_VALUES} values" if outside.count(b",") > MOST_VALUES else ""
