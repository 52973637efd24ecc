"""`auriga up` as a child process, with what tests ask of it: its lines, its engines, its address."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo-model" / "demo.gguf"
FAKE = Path(__file__).with_name("fake_llama_server.py")
T = TypeVar("T")
BOUND = 30.0
"""Seconds after which something that should have happened has not."""


class Up:
    """A running `auriga up`."""

    def __init__(self, *files: Path, cache: Path, args: Sequence[str] = (), env: dict[str, str] | None = None) -> None:
        flags = [flag for file in files for flag in ("-f", str(file))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "auriga_cli", "up", *flags, "--port", "0", "--cache", str(cache), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"AURIGA_ENGINE": "xllamacpp", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"} | (env or {}),
            cwd=cache,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Up:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(BOUND)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    @property
    def output(self) -> str:
        """Everything that it said so far."""
        return "\n".join(self.lines)

    def line(self, pattern: str, *, count: int = 1) -> str:
        """The ``count``-th line that matches, as soon as it is there."""

        def found() -> list[str]:
            return [line for line in self.lines if re.search(pattern, line)]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= count or self._over, BOUND)
            assert len(found()) >= count, f"no line like {pattern!r} in:\n{self.output}"
            return found()[count - 1]

    @property
    def url(self) -> str:
        return self.line(r"^listening on ").split()[-1]

    def exit_code(self) -> int:
        """How it ended."""
        code = self.process.wait(BOUND)
        self._reader.join(BOUND)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop, and waits until it has."""
        self.process.send_signal(number)
        return self.exit_code()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, timeout=BOUND)

    def chat(self, model: str, prompt: str = "What is a RoleChain?", **more: Any) -> httpx.Response:
        """One question, answered in one piece."""
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "temperature": 0} | more
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, trust_env=False, timeout=BOUND)

    def model(self, name: str) -> dict[str, Any]:
        """What `/status` says of a Model."""
        models: list[dict[str, Any]] = self.get("/status").json()["models"]
        return next(model for model in models if model["name"] == name)

    def phase(self, name: str, phase: str) -> dict[str, Any]:
        """What `/status` says of a Model once it is in ``phase``."""
        return until(lambda: found if (found := self.model(name))["phase"] == phase else None)

    def engines(self) -> dict[str, int]:
        """Alias -> process id of each engine that runs now."""
        found = {}
        for pid in children(self.process.pid):
            args = command(pid)
            if "--alias" in args:
                found[args[args.index("--alias") + 1]] = pid
        return found


StartUp = Callable[..., Up]
"""What the fixture ``up`` gives: takes the manifest's text and more arguments, and starts `auriga up`."""


def until(look: Callable[[], T | None]) -> T:
    """What ``look`` gives, as soon as it is something."""
    end = time.monotonic() + BOUND
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Ids of the processes that a process started and that have not been waited for."""
    try:
        return [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def command(pid: int) -> list[str]:
    """The command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def fake_engine(folder: Path) -> Path:
    """A `llama-server` for --engine."""
    path = folder / "llama-server"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(FAKE))} "$@"\n')
    path.chmod(0o755)
    return path


def model(name: str, path: Path | str = DEMO, *, parallel: int = 2, extra: str = "", engine: str = "") -> str:
    """A Model that is served here, as YAML. ``extra`` are lines of its spec, ``engine`` more fields of its engine."""
    return f"""
---
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {{file: {{path: "{path}"}}}}
  engine: {{contextLength: 512, parallel: {parallel}{engine and f", {engine}"}}}
  {extra}
"""


def fake(name: str, mode: str, *, extra: str = "", engine: str = "") -> str:
    """A Model whose engine is the fake one in ``mode``."""
    return model(name, extra=extra, engine=f"args: [--fake, {mode}]{engine and f', {engine}'}")


def dead(name: str) -> str:
    """A Model of a provider that is not there."""
    return f"""
---
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec: {{external: {{provider: openaiCompatible, baseURL: "http://127.0.0.1:9/v1"}}}}
"""


def elastic(name: str, *, idle: str = "10m") -> str:
    """A Model that takes turns. One thread: two wait for each other where others use the cores, too."""
    scaling = f"autoscaling: {{minReplicas: 0, maxReplicas: 1, idleTimeout: {idle}}}"
    return model(name, extra=scaling, engine='args: [--threads, "1"]')


def waiting(role: str, *members: str) -> str:
    """A RoleChain whose requests wait for a Model that is away."""
    return chain(role, *members).replace("members:", "fallback: {onCold: Wait}, members:")


def chain(role: str, *members: str) -> str:
    """A RoleChain, as YAML."""
    return f"""
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {{name: {role}}}
spec: {{members: [{", ".join(f"{{model: {member}}}" for member in members)}]}}
"""
