"""What the terminal shows of local mode: one line an event; on a terminal also a live table while Models come up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console

from auriga_api.manifests import Problem
from auriga_api.model import ModelStatus
from auriga_cli.local.announce import short
from auriga_cli.local.ending import Ending
from auriga_cli.local.status import PROGRESSING
from auriga_cli.local.terminal import Terminal
from auriga_cli.local.trail import Trail, describe
from auriga_operator.said import worth_showing
from auriga_router.attempts import Attempt, Replied

_LINES = 8
"""How many of an engine's last lines are shown; its log has them all."""

_QUIET = frozenset({"Waking", "MadeRoom"})
"""What Models do that take turns: that another one is ready says it all."""

_STYLES = {"Ready": "green", "Degraded": "yellow", "Failed": "bold red"}


class Report:
    """Says what happens, once for each thing that happens."""

    def __init__(self, console: Console, attempts: Literal["fallbacks", "all", "none"] = "fallbacks") -> None:
        self._terminal = Terminal(console)
        self._attempts = attempts
        self._trail = Trail()
        self._said: dict[str, tuple[str, str, int]] = {}
        self._resolved: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._logs: dict[str, Path] = {}
        """Of engines that have ended and had nothing to say."""
        self._held: list[tuple[str, str]] | None = None

    def say(self, text: str, style: str = "") -> None:
        """One line."""
        if self._held is not None:
            self._held.append((text, style))
        else:
            self._terminal.print(text, style)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps lines back for a while: an answer is being printed, and they would stand in the middle of it."""
        self._held = []
        try:
            yield
        finally:
            lines, self._held = self._held, None
            for line in lines:
                self.say(*line)

    def problems(self, problems: Iterable[Problem], *, kept: bool) -> None:
        """What is wrong with the manifests; ``kept``: what was there before goes on."""
        broken = False
        for problem in problems:
            broken = broken or problem.severity == "error"
            # As `auriga check` says it: terminals and editors make a link of what comes first.
            place = f"{problem.place}: "
            line = f"{place}{problem.severity}: {str(problem).removeprefix(place)}"
            self.say(line, "bold red" if problem.severity == "error" else "yellow")
        if broken and kept:
            self.say("the last good state of what is broken goes on serving", "yellow")

    def changed(self, changes: str) -> None:
        """An edit has been taken; ``changes``: what it changed, if anything."""
        if changes:
            self.say(f"edit taken: {changes}", "dim")

    def statuses(self, statuses: Mapping[str, ModelStatus]) -> None:
        """Says what changed, and shows what is under way."""
        if self._terminal.live:
            self._terminal.show({key: status for key, status in statuses.items() if status.phase in PROGRESSING})
        for key, status in statuses.items():
            said = _said(status)
            if self._said.get(key) != said:
                self._said[key] = said
                self._change(key, status)
            for resolved in (each for each in status.conditions if each.type == "WeightsResolved"):
                if self._resolved.get(key) != resolved.message:
                    self._resolved[key] = resolved.message
                    self.say(f"{short(key)}: weights: {resolved.message}")
        for key in self._said.keys() - statuses.keys():
            del self._said[key]
            self._resolved.pop(key, None)
            self.say(f"{short(key)}: removed")

    def engine_ended(self, model: str, ending: Ending, count: int, log: Path) -> None:
        """What an engine that failed has said of it (its status says why); the same again is one line."""
        known, self._reasons[model] = self._reasons.get(model), ending.reason
        if count > 1 and ending.reason == known:
            self.say(f"{short(model)}: {ending.message}, {count} times in a row", "yellow")
            return
        lines = worth_showing(ending.lines, _LINES)
        if not lines:
            self._logs[model] = log
            return
        self.say(f"{short(model)}: its engine said (all of it: {log}):", "yellow")
        for line in lines:
            self.say(f"    {line}", "dim")

    def attempt(self, attempt: Attempt) -> None:
        """Each attempt of the router."""
        line = self._trail.add(attempt)
        if self._attempts == "all":
            self.say(describe(attempt), "dim")
        elif self._attempts == "fallbacks" and line:
            self.say(line, "yellow")

    def replied(self, replied: Replied) -> None:
        """Each request, after its last attempt."""
        line = self._trail.replied(replied.request_id)
        if self._attempts == "fallbacks" and line:
            self.say(line, "yellow")

    def flush(self) -> None:
        """Waits until everything that was said is written."""
        self._terminal.flush()

    def close(self) -> None:
        """Takes the live table off the terminal, and writes what is left."""
        self._terminal.show({})
        self._terminal.flush()

    def _change(self, key: str, status: ModelStatus) -> None:
        condition = status.conditions[0]
        if condition.reason in _QUIET:
            return
        if status.phase in PROGRESSING:
            if condition.reason == "Retrying":
                self.say(f"{short(key)}: {condition.message}", "yellow")
            elif not self._terminal.live and status.phase != "Pending":
                self.say(f"{short(key)}: {status.phase.lower()}: {condition.message}")
            return
        reason = f" ({condition.reason})" if status.phase in ("Failed", "Degraded") else ""
        at = f" at {status.endpoint}" if status.endpoint else ""
        log = self._logs.pop(key, None)
        kept = f"; its log: {log}" if log and reason else ""
        text = f"{short(key)}: {_words(status.phase)}{reason}{at}: {condition.message}{kept}"
        self.say(text, _STYLES.get(status.phase, ""))


def _words(phase: str) -> str:
    return "at zero" if phase == "ScaledToZero" else phase.lower()


def curl(url: str, name: str) -> str:
    """A command line to copy."""
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "Hello"}]})
    return f"curl {url}/v1/chat/completions -H 'content-type: application/json' -d '{body}'"


def _said(status: ModelStatus) -> tuple[str, str, int]:
    """What makes a new line: phase, reason, and each tenth of a download."""
    percent = status.download.percent if status.download else 0
    return status.phase, status.conditions[0].reason, percent // 10
