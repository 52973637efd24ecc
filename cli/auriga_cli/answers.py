"""How an answer looks on a terminal: the answer itself on stdout; who gave it, and what was tried, on stderr."""

from __future__ import annotations

from rich.table import Table

from auriga_cli import console
from auriga_cli.progress import Progress
from auriga_cli.remote.answer import Answer
from auriga_cli.remote.attempts import Attempt
from auriga_cli.remote.errors import RefusedError, RemoteError


def stream(answer: Answer, quiet: bool, waiting: Progress) -> None:
    """Prints the answer while it comes; ``waiting`` is shown until then.

    Raises what the answer raises; the line is ended in any case.
    """
    named = bool(answer.model)
    if named:
        waiting.close()
    if named and not quiet:
        console.err.print(console.printable(heading(answer)), style="dim")
    try:
        _pieces(answer, waiting, thoughts=not quiet and console.err.is_terminal)
    finally:
        waiting.close()
        if answer.content and not answer.content.endswith("\n"):
            console.write("\n")
    if not quiet:
        by = "" if named or not answer.model else f", by {answer.model}"
        console.err.print(console.printable(figures(answer) + by), style="dim")


def _pieces(answer: Answer, waiting: Progress, thoughts: bool) -> None:
    thinking = False
    for piece in answer:
        if piece.reasoning or piece.content:
            waiting.close()
        if piece.reasoning and thoughts:
            console.err.print(console.printable(piece.reasoning), style="dim italic", end="")
            thinking = True
        if piece.content:
            if thinking:
                console.err.print()
            thinking = False
            console.write(piece.content)


def heading(answer: Answer) -> str:
    """``demo answers, after dead: Connect (1 ms)``"""
    failed = [attempt for attempt in answer.attempts if attempt.outcome]
    tried = f", after {'; '.join(map(_tried, failed))}" if failed else ""
    return f"{answer.model} answers{tried}"


def _tried(attempt: Attempt) -> str:
    time = "" if attempt.milliseconds is None else f" ({attempt.milliseconds} ms)"
    return f"{attempt.member}: {attempt.outcome}{time}"


def figures(answer: Answer) -> str:
    """``100 tokens, the first after 12 ms, 843 tokens/s``"""
    parts = [f"{answer.tokens} token{'' if answer.tokens == 1 else 's'}"]
    if answer.first is not None:
        parts.append(f"the first after {answer.first * 1000:.0f} ms")
    if answer.tokens_per_second is not None:
        parts.append(f"{answer.tokens_per_second:.0f} tokens/s")
    if answer.finish_reason == "length":
        parts.append("cut off: no more tokens were allowed, or the context is full")
    return ", ".join(parts)


def failure(error: RemoteError) -> None:
    """``error: ...``, and below it what was tried, as a table."""
    console.error(str(error))
    if isinstance(error, RefusedError) and error.attempts:
        console.err.print(_table(error.attempts), soft_wrap=False)


def _table(attempts: tuple[Attempt, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("  TRIED")
    table.add_column("OUTCOME")
    table.add_column("MS", justify="right")
    for attempt in attempts:
        milliseconds = "" if attempt.milliseconds is None else str(attempt.milliseconds)
        table.add_row(console.printable(f"  {attempt.member}"), console.printable(attempt.outcome), milliseconds)
    return table
