"""Several processes that do the same work, and a parent that looks after them: restarts one that dies or hangs, stops
them all.

The parent forks before there is a thread or an event loop, and never runs one. Knows nothing of routing.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from auriga_router.workers.group import Group

_log = logging.getLogger(__name__)

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_SIGNALS = _STOP | {signal.SIGCHLD, signal.SIGALRM}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds until a worker that died is started again; doubled for one that dies soon after."""
_LASTED = 60.0
_LOOK = 5.0
"""Seconds between two looks at whether a worker hangs."""
SILENT = 6
"""Looks without a sign of life after which it does. Looks, not seconds: a parent that was stopped has not looked."""

Work = Callable[[int], int]
"""Takes the worker's number, from 1. Gives the exit status."""


@dataclass
class Worker:
    """One of them."""

    number: int
    pid: int = 0
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0
    """When to start it, while it does not run."""
    beats: int = 0
    silent: int = 0
    """Looks since its last sign of life."""

    def hangs(self, beats: int) -> bool:
        """Another look: so many signs of life it has given in all."""
        self.silent = self.silent + 1 if self.pid and beats == self.beats else 0
        self.beats = beats
        return self.silent >= SILENT


class Workers:
    """The processes of a group that run ``work``. ``look``: seconds between two looks at whether one hangs."""

    def __init__(self, group: Group, work: Work, look: float = _LOOK) -> None:
        self._work = work
        self._group = group
        self._look = look
        self._looked = time.monotonic()
        self._workers = [Worker(number) for number in group.numbers]
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT, which all of them get. Gives 0 if each of them then ended with 0."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        signal.setitimer(signal.ITIMER_REAL, self._look, self._look)
        self._start_due()
        while any(worker.pid for worker in self._workers) or not self._stopping:
            number = signal.sigwait(_SIGNALS)
            if number in _STOP:
                self._stop()
            elif number == signal.SIGCHLD:
                self._reap()
            self._look_after()
            if not self._stopping:
                self._start_due()
        self._group.close()
        return self._status

    def _start_due(self) -> None:
        """Start those that do not run and may; come again for the others."""
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and worker.due <= now:
                worker.pid, worker.started = self._fork(worker.number), now
        waits = [worker.due - now for worker in self._workers if not worker.pid]
        if waits:
            signal.setitimer(signal.ITIMER_REAL, min(self._look, max(0.01, min(waits))), self._look)

    def _look_after(self) -> None:
        """End those that have given no sign of life for long; as they have ended they are started again."""
        if time.monotonic() - self._looked < self._look / 2:
            return
        self._looked = time.monotonic()
        for worker in self._workers:
            if worker.hangs(self._group.beats(worker.number)):
                _log.error(
                    "worker %d hangs: it has not stirred for %g s and is killed", worker.number, SILENT * self._look
                )
                os.kill(worker.pid, signal.SIGKILL)

    def _fork(self, number: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            os.close(self._group.held)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            status = self._work(number)
        except BaseException:
            _log.exception("worker %d failed", number)
        finally:
            # Not sys.exit: what the parent would do at its end is not the worker's to do.
            os._exit(status)

    def _stop(self) -> None:
        self._stopping = True
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, signal.SIGTERM)

    def _reap(self) -> None:
        """One signal may stand for several ends."""
        while any(worker.pid for worker in self._workers):
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            for worker in self._workers:
                if worker.pid == pid:
                    self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: Worker, code: int) -> None:
        worker.pid, now = 0, time.monotonic()
        if self._stopping:
            self._status = self._status or (1 if code else 0)
            return
        lasted = now - worker.started >= _LASTED
        worker.pause = _FIRST_PAUSE if lasted or not worker.pause else min(worker.pause * 2, _LONGEST_PAUSE)
        worker.due = now + worker.pause
        self._group.restarted(worker.number)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        _log.error("worker %d %s; it is started again in %g s", worker.number, how, worker.pause)
