"""One request on its way: attempt, outcome, next attempt, until an answer is committed or the chain has failed.

The state machine of the failure contract. It knows no sockets: it is told of bytes and events, and calls its ports.

    CONNECTING -> WAITING -> HOLDING_WHOLE | HOLDING_STREAM -> (committed) FLOWING -> DONE
         ^------------------ a break: somebody else goes on --------------'

Until FLOWING nothing has left for the client, and a failure leads to the next attempt. A break in FLOWING does so, too:
attempts then are for the rest of the answer (``flow.rest``), and if none succeeds the stream ends with an error.
"""

from __future__ import annotations

import math
from typing import Final

from auriga_router import replies
from auriga_router.adapter import Adapter, Held
from auriga_router.attempts import Replied, Tried
from auriga_router.call import Call
from auriga_router.candidates import Candidates
from auriga_router.dialects import Problem
from auriga_router.flow import Flow
from auriga_router.held import HeldWhole
from auriga_router.ports import Client, Upstream
from auriga_router.routing.choose import Wait
from auriga_router.routing.outcome import Outcome, of_status
from auriga_router.routing.retry_after import parse_retry_after
from auriga_router.slots import Slots
from auriga_router.trial import Trial
from auriga_router.watch import EVERY, Watch
from auriga_router.wire.http import ResponseHead
from auriga_router.world import World

_OK: Final = Outcome.OK
_CLIENT_ERROR: Final = Outcome.CLIENT_ERROR
_BREAKS: Final = (Outcome.CUT, Outcome.STALL, Outcome.TIMEOUT)


class State:
    """How far the current attempt is. Numbers: up to Python 3.11 a member of an Enum is four times as slow to name."""

    QUEUED: Final = 0
    CONNECTING: Final = 1
    WAITING: Final = 2
    HOLDING_WHOLE: Final = 3
    HOLDING_STREAM: Final = 4
    FLOWING: Final = 5
    DONE: Final = 6


class Exchange:
    """One request and its attempts."""

    __slots__ = (
        "_adapter", "_call", "_candidates", "_client", "_deadline", "_end", "_failed", "_flow", "_left", "_overflow",
        "_paused", "_queue", "_reconnected", "_state", "_stream", "_trial", "_upstream", "_watch", "_whole", "_world",
        "expires",
    )  # fmt: skip
    __deletable__ = ["_stream"]

    def __init__(self, world: World, client: Client, call: Call) -> None:
        self._world = world
        self._client = client
        self._call = call
        self._state: int = State.CONNECTING
        self._trial: Trial
        self._upstream: Upstream | None = None
        self._whole: HeldWhole
        self._stream: Held
        self._flow: Flow | None = None
        """The reply, once something of it has left."""
        self._adapter: Adapter
        self._candidates = Candidates(call, world.wall_now)
        self._failed: list[Tried] = []
        self._overflow: HeldWhole | None = None
        """The error of the member whose context was too small."""
        self._watch: Watch | None = None
        self._queue: Slots
        self._reconnected = False
        self._paused = False
        self._end = 0.0
        """The attempt fails at this moment at the latest."""
        self._deadline = 0.0
        self._left = 0.0
        """Seconds that were left of it when content began to flow: for mending a break."""
        self.expires = math.inf

    def start(self) -> None:
        """Begin the first attempt."""
        self._world.timed.add(self)
        now = self._world.now()
        self._deadline = now + self._call.chain.deadline
        self._next(now)

    # --- attempts

    def _next(self, now: float) -> None:
        chain = self._call.chain
        if len(self._failed) >= chain.max_attempts or now >= self._deadline:
            self._fail(now)
            return
        candidate = self._candidates.next(now, None if self._flow is None else self._flow.rest)
        if candidate is None:
            self._fail(now)
            return
        if isinstance(candidate, Wait):
            self._wait(candidate.member.backend.slots, now)
            return
        member, endpoint, self._adapter = candidate
        self._trial = Trial(member, endpoint, now)
        end = now + member.timeouts.total
        self._end = end if end < self._deadline else self._deadline
        self._reconnected = False
        self._connect(now, fresh=False)

    def _wait(self, queue: Slots, now: float) -> None:
        """For a slot, or for an endpoint, in the Model's queue; who has been asked for before waits at its head."""
        self._state = State.QUEUED
        self._queue = queue
        queue.wait(self, now, ahead=bool(self._failed))
        self.expires = self._deadline

    def on_turn(self) -> None:
        """Look again: perhaps at other endpoints than there were when the request came."""
        self._world.renew(self._call)
        self._next(self._world.now())

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
        self._limit(now + (first_token if call.stream else min(first_token, EVERY)))
        upstream.send(*self._adapter.request(trial.endpoint))

    def on_connect_failed(self) -> None:
        """There will be no connection."""
        self._attempt_failed(Outcome.CONNECT)

    def on_response(self, head: ResponseHead, data: bytes, complete: bool) -> None:
        """The response's head came."""
        self._trial.status = head.status
        outcome = of_status(head.status)
        call = self._call
        if outcome is Outcome.UNSUPPORTED and self._flow is not None:
            outcome = _CLIENT_ERROR  # perhaps there is another way to ask for the rest
        explained = outcome is _CLIENT_ERROR or head.status in self._trial.member.backend.explains
        if explained or (outcome is _OK and not (call.stream and head.is_event_stream)):
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
        if outcome is _CLIENT_ERROR or outcome is Outcome.CONTEXT_OVERFLOW:
            held.body = replies.without_key(held.body, self._trial.member.backend)
        if outcome is _OK and self._call.stream:
            outcome = Outcome.MALFORMED  # a stream was asked for
        if outcome is _OK or outcome is _CLIENT_ERROR:
            self._client.write(replies.answer(self._call, self._trial.member, self._failed, held))
            self._end_attempt(outcome, whole=True)
            self._done(held.status, keep_alive=self._call.keep_alive)
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

    def _attempt_failed(self, outcome: Outcome, *, retry_after: float | None = None, whole: bool = False) -> None:
        """Nothing of it has left for the client: on to the next attempt, or the end of the chain."""
        if outcome is Outcome.CONTEXT_OVERFLOW and self._state == State.HOLDING_WHOLE:
            self._overflow = self._whole
        self._candidates.failed(self._trial.member, self._trial.endpoint, outcome)
        now = self._end_attempt(outcome, retry_after=retry_after, whole=whole)
        self._note_failed(outcome, now)
        if self._flow is not None or self._call.chain.fallback_on & outcome.bit:
            self._next(now)
        else:
            self._fail(now)

    def _note_failed(self, outcome: Outcome, now: float) -> None:
        trial = self._trial
        self._failed.append(Tried(trial.member.backend.name, outcome, round((now - trial.started) * 1000)))

    def _end_attempt(self, outcome: Outcome, *, retry_after: float | None = None, whole: bool = False) -> float:
        """Free what the attempt holds, and record it. ``whole``: the response was read to its end. Gives the time."""
        if self._state == State.QUEUED:
            self._queue.leave(self)
            return self._world.now()
        upstream, self._upstream = self._upstream, None
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if upstream is not None:
            if whole:
                upstream.release()
            else:
                upstream.abort()
        elif self._state == State.CONNECTING:
            self._world.connector.forget(self._trial.endpoint, self)
        now = self._world.now()
        self._trial.end(outcome, now, self._call.chain.breaker, retry_after)
        if self._world.on_attempt is not None:
            self._world.on_attempt(self._trial.record(self._call, outcome, now))
        return now

    # --- the reply

    def _commit(self, *, complete: bool) -> None:
        """The endpoint says something: from here on the client sees it."""
        call, trial = self._call, self._trial
        now = self._world.now()
        trial.first_content(now)
        self._state = State.FLOWING
        self._left = self._deadline - now  # the deadline stands still while content flows
        self._end = trial.started + trial.member.timeouts.total
        if self._paused and self._upstream is not None:
            self._upstream.pause()
        head = b""
        if self._flow is None:
            self._flow = Flow(self._client, call)
            head = replies.begin_stream(call, trial.member, self._failed)
        del self._stream
        self._flowed(self._flow.go_on(self._adapter, head, complete=complete))

    def _flowed(self, outcome: Outcome | None) -> None:
        if outcome is None:
            if not self._paused:
                self._limit(self._world.coarse.now + self._trial.member.timeouts.stall)
        elif outcome is _OK:
            self._end_attempt(_OK, whole=True)
            self._done(200, keep_alive=self._call.keep_alive)
        else:
            self._break(outcome)

    def _break(self, outcome: Outcome) -> None:
        """The endpoint broke off after content had left for the client: another one goes on, or the stream fails."""
        flow, trial = self._flow, self._trial
        if flow is None or flow.end():
            self._end_attempt(_OK)
            self._done(200, keep_alive=self._call.keep_alive)
            return
        now = self._end_attempt(outcome)
        self._note_failed(outcome, now)
        self._deadline = now + self._left
        self._state = State.CONNECTING
        self._candidates.broke(trial.member, trial.endpoint, again=outcome is Outcome.CUT)
        if flow.rest is None or outcome is Outcome.TIMEOUT:
            self._fail(now)
        else:
            self._next(now)

    def _fail(self, now: float) -> None:
        """The chain has failed."""
        call, refused = self._call, self._candidates.refused
        if self._flow is not None and self._client.retract():
            self._flow = None
            self._candidates.begin_anew()
            self._next(now)
            return
        if self._flow is not None:
            self._fail_in_band(self._flow)
            return
        if self._overflow is not None:
            status, reply = self._overflow.status, replies.answer(call, None, self._failed, self._overflow)
        elif refused is not None and not self._failed:
            status, reply = replies.refused(call, refused, self._failed)
        else:
            status, reply = replies.chain_failed(call, self._failed, now, deadline_passed=now >= self._deadline)
        self._client.write(reply)
        self._done(status, keep_alive=call.keep_alive)

    def _fail_in_band(self, flow: Flow) -> None:
        """Never a clean end."""
        broke = next((tried for tried in self._failed if tried.outcome in _BREAKS), self._failed[-1])
        message = f"the answer of {broke.member} broke off ({broke.outcome.value})"
        flow.fail(Problem(502, "stream_interrupted", message, attempts=self._failed))
        self._done(200, keep_alive=False)

    def _done(self, status: int, *, keep_alive: bool) -> None:
        self._state = State.DONE
        self._world.timed.discard(self)
        counted = self._call.chain.replies
        counted[status] = counted.get(status, 0) + 1
        if self._world.on_reply is not None:
            self._world.on_reply(Replied(self._call.request_id.decode("ascii"), self._call.chain.role, status))
        self._client.done(keep_alive=keep_alive)

    # --- the client and the clock

    def client_gone(self) -> None:
        """Close the endpoint's connection at once: it would go on computing for nobody."""
        if self._state != State.DONE:
            self._end_attempt(Outcome.CANCELLED)
            self._state = State.DONE
            self._world.timed.discard(self)

    def client_paused(self) -> None:
        """The client does not keep up: neither does the endpoint have to, and its silence is no stall."""
        self._paused = True
        if self._state == State.FLOWING and self._upstream is not None:
            self._upstream.pause()
            self._limit(math.inf)

    def client_resumed(self) -> None:
        """The client keeps up again."""
        self._paused = False
        if self._state == State.FLOWING and self._upstream is not None:
            self._upstream.resume()
            self._limit(self._world.coarse.now + self._trial.member.timeouts.stall)

    def on_expired(self, now: float) -> None:
        """A time limit has passed; which one follows from the state."""
        if self._state == State.QUEUED:
            self._queue.leave(self)
            self._fail(now)
        elif self._state == State.FLOWING:
            self._break(Outcome.TIMEOUT if now >= self._end else Outcome.STALL)
        elif self._state == State.CONNECTING and now < self._deadline:
            self._attempt_failed(Outcome.CONNECT)
        elif now < self._end and not self._call.stream:
            self._look_after(now)
        else:
            self._attempt_failed(Outcome.TIMEOUT)

    def _look_after(self, now: float) -> None:
        """A whole answer takes its time; does its endpoint still live? A provider cannot be asked that."""
        trial = self._trial
        self._limit(self._end)
        if not trial.member.backend.external:
            self._watch = Watch(self._world, trial.endpoint, trial.member.timeouts.connect, self._endpoint_died)
        elif self._candidates.others(trial.endpoint, now):
            self._limit((trial.started + self._deadline) / 2)
            self._end = self.expires  # somebody else could answer, and needs time, too

    def _endpoint_died(self) -> None:
        self._watch = None
        self._attempt_failed(Outcome.TIMEOUT)

    def router_stops(self) -> None:
        """The time to finish is over."""
        if self._state == State.DONE:
            return
        problem = Problem(503, "shutting_down", "the router is stopping; ask again")
        if self._flow is not None:
            self._flow.fail(problem)
        else:
            self._client.write(replies.error(self._call, problem, self._failed))
        self._end_attempt(Outcome.CANCELLED)
        self._done(503 if self._flow is None else 200, keep_alive=False)
