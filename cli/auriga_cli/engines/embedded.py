"""What the child process of the embedded engine runs: llama.cpp's own server, by way of the xllamacpp wheel.

    python -m auriga_cli.engines.embedded --model FILE --port N [llama-server's options]

Exits with 0 on SIGTERM or SIGINT, 1 if llama.cpp cannot serve the weights, 64 on an option that it does not take.
Knows nothing of Auriga: it is run, watched and ended like a llama-server binary.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any

from auriga_cli.engines.embedded_options import EnumName, OptionError, parse

EX_USAGE = 64
"""As sysexits.h numbers it: the command was used wrongly, so a restart cannot help."""


def main(args: list[str]) -> int:
    """Serves until it is told to stop."""
    try:
        settings = parse(args)
    except OptionError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor reads this line
        return EX_USAGE
    # Until the weights are loaded, Python cannot run a handler: the default ends the process at once, as it should.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = _serve(settings)
    if server is None:
        return 1
    _wait_for_stop()
    # Not by the destructor: it waits for open streams, and who ends us has drained them as far as it wanted to.
    os._exit(0)


def _serve(settings: dict[str, Any]) -> object | None:
    import xllamacpp  # noqa: PLC0415 - a wrong option is told without loading all of llama.cpp

    params = xllamacpp.CommonParams()
    for path, value in settings.items():
        named = getattr(getattr(xllamacpp, value.enum), value.name) if isinstance(value, EnumName) else value
        _assign(params, path, named)
    try:
        return xllamacpp.Server(params)  # type: ignore[no-any-return]  # untyped extension module
    except RuntimeError:
        return None  # llama.cpp has already said why on stderr


def _assign(target: object, path: str, value: object) -> None:
    if path == "hostnames":
        value = [value]
    if path == "model_alias":
        value = {value}
    *owners, name = path.split(".")
    for owner in owners:
        target = getattr(target, owner)
    setattr(target, name, value)


def _wait_for_stop() -> None:
    """Returns on SIGTERM or SIGINT.

    llama.cpp has put its own handlers in place by now, which would leave this thread waiting: these replace them. The
    wake-up socket is written by whichever thread the signal reaches; a lock or a sleep wakes only for the main thread.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    ours.recv(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
