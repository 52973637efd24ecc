"""What the child process of llama-cpp-python runs: its own server, with one of its habits changed.

python -m auriga_cli.engines.llama_cpp_server --model FILE --port N [llama_cpp.server's options]
"""

from __future__ import annotations

from functools import partial


def main() -> None:
    """Serves until it is told to stop."""
    from starlette_context import plugins  # noqa: PLC0415 - comes with that extra

    # It refuses a request whose X-Request-ID is no UUID, with an empty 400. Request ids are the caller's to choose.
    plugins.RequestIdPlugin = partial(plugins.RequestIdPlugin, force_new_uuid=True)
    from llama_cpp.server.__main__ import main as serve  # noqa: PLC0415 - after that change, which it reads when imported

    serve()


if __name__ == "__main__":
    main()
