"""One attempt of an exchange: from the connection to the first content, or to its failure.

    CONNECTING -> WAITING -> HOLDING_WHOLE | HOLDING_STREAM -> FLOWING

It knows no sockets: it is told of bytes and events, and calls its ports. What follows is the exchange's to say.
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Final

from auriga_router import replies, usage
from auriga_router.adapter import Adapter
from auriga_router.attempts import Tried
from auriga_router.call import Call
from auriga_router.candidates import Candidates
from auriga_router.endpoint import Endpoint
from auriga_router.flow import Flow
from auriga_router.held import HeldWhole
from auriga_router.ports import Upstream, UpstreamUser
from auriga_router.routing.outcome import Outcome
from auriga_router.routing.retry_after import parse_retry_after
from auriga_router.routing.status import of_status
from auriga_router.stages import Held
from auriga_router.trial import Trial
from auriga_router.watch import EVERY, IN_DOUBT, Watch
from auriga_router.wire.http import ResponseHead
from auriga_router.world import World

_OK: Final = Outcome.OK
_CLIENT_ERROR: Final = Outcome.CLIENT_ERROR
_UNSUPPORTED: Final = Outcome.UNSUPPORTED


class State:
    """How far the current attempt is. Numbers: up to Python 3.11 a member of an Enum is four times as slow to name."""

    QUEUED: Final = 0
    CONNECTING: Final = 1
    WAITING: Final = 2
    HOLDING_WHOLE: Final = 3
    HOLDING_STREAM: Final = 4
    FLOWING: Final = 5
    DONE: Final = 6
    AWAY: Final = 7
    """The endpoint seems to have died, and nobody else is left: what becomes of it is not known yet."""


class Attempting(UpstreamUser):
    """An exchange as its endpoint sees it."""

    __slots__ = (
        "_adapter", "_call", "_candidates", "_deadline", "_end", "_failed", "_flow", "_reconnected", "_state",
        "_stream", "_trial", "_upstream", "_watch", "_whole", "_world", "expires",
    )  # fmt: skip
    __deletable__ = ["_stream"]

    def __init__(self, world: World, call: Call) -> None:
        self._world = world
        self._call = call
        self._candidates = Candidates(call, world.wall_now)
        self._state: int = State.CONNECTING
        self._trial: Trial
        self._adapter: Adapter
        self._upstream: Upstream | None = None
        self._whole: HeldWhole
        self._stream: Held
        self._flow: Flow | None = None
        """The reply, once something of it has left: then the attempt is for the rest of it."""
        self._failed: list[Tried] = []
        self._watch: Watch | None = None
        self._reconnected = False
        self._end = 0.0
        """The attempt fails at this moment at the latest."""
        self._deadline = 0.0
        self.expires = math.inf

    # --- for the exchange to say

    def _answered(self, held: HeldWhole, outcome: Outcome) -> None:
        """There is a reply for the caller, not streamed."""
        raise NotImplementedError

    def _attempt_failed(self, outcome: Outcome, *, retry_after: float | None = None, whole: bool = False) -> None:
        """Nothing of it has left for the client."""
        raise NotImplementedError

    def _commit(self, *, complete: bool) -> None:
        """The endpoint says something."""
        raise NotImplementedError

    def _flowed(self, outcome: Outcome | None) -> None:
        """More has left for the client; ``outcome`` as ``Flow.feed`` gives it."""
        raise NotImplementedError

    def _break(self, outcome: Outcome) -> None:
        """The endpoint broke off after content had left."""
        raise NotImplementedError

    # --- the connection and the response

    def _connect(self, now: float, *, fresh: bool) -> None:
        self._state = State.CONNECTING
        upstream = self._world.connector.acquire(self._trial.endpoint, self, fresh=fresh)
        if upstream is not None:
            self._send(upstream, now)
        else:
            self._limit(now + self._trial.member.timeouts.connect)

    def _limit(self, moment: float) -> None:
        self.expires = moment if moment < self._end else self._end

    def on_connected(self, upstream: Upstream) -> None:
        """There is a connection."""
        self._send(upstream, self._world.now())

    def _send(self, upstream: Upstream, now: float) -> None:
        trial, call = self._trial, self._call
        self._upstream = upstream
        self._state = State.WAITING
        trial.sent = now
        # Without a stream there is no first token to wait for: then it is only looked after from time to time.
        first_token = trial.member.timeouts.first_token
        self._limit(now + (first_token if call.stream or first_token < EVERY else EVERY))
        head, body = self._adapter.request(trial.endpoint)
        upstream.send(head, body)

    def on_connect_failed(self) -> None:
        """There will be no connection."""
        self._attempt_failed(Outcome.CONNECT)

    def on_response(self, head: ResponseHead, data: bytes, complete: bool) -> None:
        """The response's head came."""
        status = self._trial.status = head.status
        outcome = _OK if status == 200 else of_status(status)
        if outcome is _UNSUPPORTED and self._flow is not None:
            outcome = _CLIENT_ERROR  # perhaps there is another way to ask for the rest
        if outcome is _OK:
            whole = not (self._call.stream and head.is_event_stream)
        else:
            whole = outcome is _CLIENT_ERROR or status in self._trial.member.backend.explains
        if whole:
            self._state = State.HOLDING_WHOLE
            self._whole = self._adapter.hold_whole(head, self._world.answer_limit)
            self._hold_whole(data, complete=complete)
        elif outcome is not _OK:
            self._attempt_failed(outcome, retry_after=self._asked_to_wait(head), whole=complete)
        else:
            self._state = State.HOLDING_STREAM
            self._stream = self._adapter.hold_stream(head, self._world.hold_limit)
            self._hold_stream(data, complete=complete)

    def on_data(self, data: bytes, complete: bool) -> None:
        """More of the response's body."""
        if self._state == State.FLOWING and self._flow is not None:
            self._flowed(self._flow.feed(data, complete=complete))
        elif self._state == State.HOLDING_STREAM:
            self._hold_stream(data, complete=complete)
        else:
            self._hold_whole(data, complete=complete)

    def _hold_whole(self, data: bytes, *, complete: bool) -> None:
        held = self._whole
        outcome = held.feed(data, complete=complete)
        if self._flow is not None:
            self._take_step(outcome, complete=complete)
            return
        if outcome is _OK:
            if self._call.stream:
                outcome = Outcome.MALFORMED  # a stream was asked for
        elif outcome is _CLIENT_ERROR or outcome is Outcome.CONTEXT_OVERFLOW:
            held.body = replies.without_key(held.body, self._trial.member.backend)
        if outcome is _OK or outcome is _CLIENT_ERROR:
            self._answered(held, outcome)
        elif outcome is not None:
            wait = held.wait if held.wait is not None else self._asked_to_wait(held.head)
            self._attempt_failed(outcome, retry_after=wait, whole=complete)

    def _asked_to_wait(self, head: ResponseHead) -> float | None:
        return parse_retry_after(head.retry_after, self._world.wall_now(), head.retry_after_ms)

    def _take_step(self, outcome: Outcome | None, *, complete: bool) -> None:
        """On the way to the rest of an answer, a reply that is no stream."""
        upstream = self._upstream
        if complete and upstream is not None and self._adapter.take(self._whole):
            self._upstream = None
            upstream.release()
            self._connect(self._world.now(), fresh=False)
        elif outcome is not None:
            self._attempt_failed(Outcome.MALFORMED if outcome is _OK else outcome, whole=complete)

    def _hold_stream(self, data: bytes, *, complete: bool) -> None:
        outcome = self._stream.feed(data, complete=complete)
        if outcome is _OK:
            self._commit(complete=complete)
        elif outcome is not None:
            self._attempt_failed(outcome, whole=complete)

    def on_broken(self, *, framing: bool, silent: bool) -> None:
        """The connection is lost, or what comes is not HTTP."""
        upstream, self._upstream = self._upstream, None
        if self._state == State.FLOWING:
            self._break(Outcome.CUT)
        elif silent and not framing and upstream is not None and upstream.reused and not self._reconnected:
            # The endpoint closed an idle connection just as it was used again: not its failure, and not an attempt.
            self._reconnected = True
            self._connect(self._world.now(), fresh=True)
        else:
            self._attempt_failed(Outcome.MALFORMED if framing else Outcome.CONNECT)

    def _end_attempt(self, outcome: Outcome, *, retry_after: float | None = None, whole: bool = False) -> float:
        """Free what the attempt holds, and record it. ``whole``: the response was read to its end. Gives the time."""
        upstream, self._upstream = self._upstream, None
        if self._watch is not None:
            self._stop_watching()
        if upstream is not None:
            if whole:
                upstream.release()
            else:
                upstream.abort()
        elif self._state == State.CONNECTING:
            self._world.connector.forget(self._trial.endpoint, self)
        now = self._world.now()
        if self._trial.reserved:
            self._trial.settle(self._tokens(outcome), now)
        self._trial.end(outcome, now, self._call.chain.breaker, retry_after)
        if self._world.on_attempt is not None:
            self._world.on_attempt(self._trial.record(self._call, outcome, now))
        return now

    def _tokens(self, outcome: Outcome) -> int:
        """That the attempt took. Who was computing for us until now has taken the prompt at least."""
        thought = self._trial.reserved
        if self._state == State.FLOWING:
            return self._adapter.tokens(thought)
        if outcome is _OK:
            return usage.of_answer(self._whole.body, thought)
        return thought if outcome is Outcome.TIMEOUT or outcome is Outcome.CANCELLED else 0

    def _look_after(self, now: float) -> None:
        """A whole answer takes its time; does its endpoint still live? A provider cannot be asked that."""
        trial = self._trial
        self._limit(self._end)
        if self._watch is not None:
            return
        if not trial.member.backend.external:
            self._watch = Watch(self._world, trial.endpoint, trial.member.timeouts.connect, self._endpoint_died)
        elif self._candidates.others(trial.endpoint, now):
            self._limit((trial.started + self._deadline) / 2)
            self._end = self.expires  # somebody else could answer, and needs time, too

    def endpoint_left(self, endpoints: Container[Endpoint]) -> None:
        """These are in the snapshot no more, and do not drain. One may be gone without a word: its health will tell."""
        if not State.CONNECTING < self._state < State.FLOWING or self._trial.endpoint not in endpoints:
            return
        trial = self._trial
        if self._watch is not None:
            self._watch.hurry()
        elif not trial.member.backend.external:
            limit = min(trial.member.timeouts.connect, IN_DOUBT)
            self._watch = Watch(self._world, trial.endpoint, limit, self._endpoint_died)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _endpoint_died(self) -> None:
        self._watch = None
        try:
            self._attempt_failed(Outcome.TIMEOUT)
        except Exception:
            self.on_bug()
