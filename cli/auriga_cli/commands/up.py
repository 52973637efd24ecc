"""``auriga up``: serves manifests on this machine. Checks what can be checked, then hands over to `local`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from auriga_cli import console
from auriga_cli.commands.options import seconds
from auriga_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    import socket

    from auriga_api.manifests import Manifests
    from auriga_cli.engines.engine import Engine
    from auriga_cli.local.report import Report

_LEAST_MEMORY = 1 << 20
_ADVICE = "write it with its unit, as 24Gi or 500M"
LogAttempts = Literal["fallbacks", "all", "none"]


def _bytes(text: str) -> int:
    """An amount of memory. One that no engine fits in has lost its unit, or has a wrong one: 500m is a half."""
    from auriga_api.quantity import parse_quantity

    try:
        found = int(parse_quantity(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an amount of memory: {_ADVICE}") from None
    if found < _LEAST_MEMORY:
        raise typer.BadParameter(f"{text!r} is {found} bytes: {_ADVICE}")
    return found


def up(
    file: Annotated[
        list[Path],
        typer.Option("--file", "-f", envvar="AURIGA_FILE", metavar="FILE|DIR", help="Manifests. May be repeated."),
    ],
    *,
    host: Annotated[str, typer.Option(envvar="AURIGA_HOST", help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="AURIGA_PORT", help="Port to serve on; 0 takes a free one.")
    ] = 8080,
    engine: Annotated[
        str,
        typer.Option(
            envvar="AURIGA_ENGINE",
            metavar="auto|PATH|NAME",
            help="What serves weights: the path of a llama-server, or xllamacpp, or llama-cpp-python.",
        ),
    ] = "auto",
    cache: Annotated[
        Path, typer.Option(envvar="AURIGA_CACHE", metavar="DIR", help="Where weights and logs are kept.")
    ] = Path("~/.cache/auriga"),
    namespace: Annotated[
        str, typer.Option(envvar="AURIGA_NAMESPACE", help="The namespace of objects that name none.")
    ] = "default",
    memory_limit: Annotated[
        int | None,
        typer.Option(
            envvar="AURIGA_MEMORY_LIMIT",
            metavar="QUANTITY",
            parser=_bytes,
            help="Memory for all engines together, such as 12Gi. Default: what the machine has.",
        ),
    ] = None,
    gpu_memory: Annotated[
        int | None,
        typer.Option(
            envvar="AURIGA_GPU_MEMORY",
            metavar="QUANTITY",
            parser=_bytes,
            help="GPU memory for all engines together, such as 22Gi. Default: what is free on all GPUs.",
        ),
    ] = None,
    load_timeout: Annotated[
        float,
        typer.Option(
            envvar="AURIGA_LOAD_TIMEOUT",
            metavar="DURATION",
            parser=seconds,
            help="How long an engine may load its weights without any progress.",
        ),
    ] = "10m",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
    silence: Annotated[
        float,
        typer.Option(
            envvar="AURIGA_SILENCE",
            metavar="DURATION",
            parser=seconds,
            help="How long an engine that serves may neither answer a health check nor do any work.",
        ),
    ] = "60s",  # type: ignore[assignment]  # as above
    drain: Annotated[
        float,
        typer.Option(
            envvar="AURIGA_DRAIN",
            metavar="DURATION",
            parser=seconds,
            help="How long requests in flight may go on when something is stopped.",
        ),
    ] = "30s",  # type: ignore[assignment]  # as above
    log_attempts: Annotated[
        LogAttempts,
        typer.Option(envvar="AURIGA_LOG_ATTEMPTS", help="Print a line for requests that fell back, for all, or none."),
    ] = "fallbacks",
    ask: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="ROLE PROMPT", help="Ask one question when everything is up, and go on serving."),
    ] = None,
) -> None:
    """Serve Models and RoleChains from files on this machine.

    Weights are fetched into the cache and served by llama.cpp processes, which are restarted when they crash.
    The files are watched: a change takes effect at once and cuts no stream. Ctrl-C stops everything.
    """
    from auriga_cli.engines.gpu import gpus
    from auriga_cli.local.listen import is_private
    from auriga_cli.local.report import Report
    from auriga_cli.local.serve import Service, load, serve
    from auriga_cli.local.state import Limits
    from auriga_cli.local.supervisor import Settings

    for path in file:
        if not path.exists():
            console.fail(ExitCode.ENVIRONMENT, f"-f {path}: no such file or folder")
    report = Report(console.err, log_attempts)
    source, manifests = load(file, namespace)
    _check(manifests, report)
    sock = _listen(host, port)
    found = _engine(engine, manifests, report)
    devices = gpus(found) if found else None
    settings = Settings(
        engine=found,
        cache=cache.expanduser().absolute(),
        gpu=devices is not None,
        gpu_memory=gpu_memory or (devices.memory if devices else None),
        memory_limit=memory_limit,
        limits=Limits(load=load_timeout, silent=silence),
        drain=drain,
        private=is_private(sock),
    )
    raise typer.Exit(serve(Service(source, manifests, sock, settings, report, namespace, ask)))


def _check(manifests: Manifests, report: Report) -> None:
    from auriga_api.manifests import references

    report.problems((*manifests.problems, *references(manifests)), kept=False)
    report.flush()
    if any(problem.severity == "error" for problem in manifests.problems):
        console.fail(ExitCode.INVALID, "nothing was started: mend the manifests (`auriga check` checks them again)")


def _engine(wanted: str, manifests: Manifests, report: Report) -> Engine | None:
    """The engine. None only if there is none and nothing to serve with it."""
    from auriga_cli.engines.detect import NoEngineError, detect

    serves = any(model.spec.source for model in manifests.models.values())
    try:
        engine = detect(wanted)
    except NoEngineError as error:
        if serves or wanted != "auto":
            console.fail(ExitCode.ENVIRONMENT, str(error))
        return None
    if serves:
        report.say(f"engine: {engine}", "dim")
    return engine


def _listen(host: str, port: int) -> socket.socket:
    from auriga_cli.local.listen import CannotListenError, listen

    try:
        return listen(host, port)
    except CannotListenError as error:
        console.fail(ExitCode.ENVIRONMENT, str(error))
