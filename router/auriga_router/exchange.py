"""One request on its way: attempt, outcome, next attempt, until it is answered or the chain has failed.

The state machine of the failure contract; ``attempting`` is its part that looks to the endpoint, ``standing_by`` the
one that waits.

    [QUEUED | AWAY ->] an attempt -> (committed) FLOWING -> DONE
         ^---------------------------- a break: somebody else goes on

Until FLOWING nothing has left for the client, and a failure leads to the next attempt. A break in FLOWING does so, too:
attempts then are for the rest of the answer (``flow.rest``), and if none succeeds the stream ends with an error.
"""

from __future__ import annotations

import math
from typing import Final

from auriga_router import replies, usage
from auriga_router.attempting import State
from auriga_router.attempts import Replied, Tried
from auriga_router.call import Call
from auriga_router.dialects import Problem
from auriga_router.flow import Flow
from auriga_router.held import HeldWhole
from auriga_router.ports import Client
from auriga_router.routing.choose import Wait
from auriga_router.routing.outcome import Outcome
from auriga_router.standing_by import StandingBy
from auriga_router.trial import Trial
from auriga_router.world import World

_BREAKS: Final = (Outcome.CUT, Outcome.STALL, Outcome.TIMEOUT)


class Exchange(StandingBy):
    """One request and its attempts."""

    __slots__ = ("_left", "_overflow", "_paused", "_woke")

    def __init__(self, world: World, client: Client, call: Call) -> None:
        super().__init__(world, call)
        self._client = client
        self._overflow: HeldWhole | None = None
        """The error of the member whose context was too small."""
        self._woke = False
        """Members without an endpoint have been told that they are wanted."""
        self._waiting = None
        self._gone = False
        self._paused = False
        self._left = 0.0
        """Seconds that were left of the deadline when content began to flow: for mending a break."""

    def start(self) -> None:
        """Begin the first attempt."""
        self._world.timed.add(self)
        now = self._world.now()
        self._deadline = now + self._call.chain.deadline
        try:
            self._next(now)
        except Exception:
            self.on_bug()

    def _next(self, now: float, *, renewed: bool = False) -> None:
        """``renewed``: the chain is as it is now, not as it was when the request came."""
        chain = self._call.chain
        if len(self._failed) >= chain.max_attempts or now >= self._deadline:
            self._fail(now)
            return
        candidate = self._candidates.next(now, None if self._flow is None else self._flow.rest)
        if chain.has_asleep and not self._woke:
            self._woke = self._candidates.wake(candidate, now)
        if candidate is None or isinstance(candidate, Wait):
            self._hold_on(candidate, now, renewed=renewed)
            return
        member = candidate.member
        self._adapter = candidate.adapter
        self._trial = Trial(member, candidate.endpoint, now)
        if member.backend.tokens_per_minute:
            self._trial.reserve(usage.of_prompt(len(self._call.body)), now)
        end = now + member.timeouts.total
        self._end = end if end < self._deadline else self._deadline
        self._reconnected = False
        self._connect(now, fresh=False)

    def _attempt_failed(self, outcome: Outcome, *, retry_after: float | None = None, whole: bool = False) -> None:
        """Nothing of it has left for the client: on to the next attempt, or the end of the chain."""
        if outcome is Outcome.CONTEXT_OVERFLOW and self._state == State.HOLDING_WHOLE:
            self._overflow = self._whole
        now = self._end_attempt(outcome, retry_after=retry_after, whole=whole)
        trial = self._trial
        self._candidates.failed(trial, outcome, now)
        self._note_failed(outcome, now)
        if self._flow is not None or self._call.chain.fallback_on & outcome.bit:
            self._next(now)
        else:
            self._fail(now)

    def _note_failed(self, outcome: Outcome, now: float) -> None:
        trial = self._trial
        self._failed.append(Tried(trial.member.backend.name, outcome, round((now - trial.started) * 1000)))

    # --- the reply

    def _answered(self, held: HeldWhole, outcome: Outcome) -> None:
        """There is a reply for the caller, not streamed."""
        self._client.write(replies.answer(self._call, self._trial.member, self._failed, held))
        self._end_attempt(outcome, whole=True)
        self._done(held.status, keep_alive=self._call.keep_alive)

    def _commit(self, *, complete: bool) -> None:
        """The endpoint says something: from here on the client sees it."""
        call, trial = self._call, self._trial
        now = self._world.now()
        trial.first_content(now)
        self._stop_watching()
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
            # The limit of what came before must not stay: whoever is paused since then would seem to have stalled.
            self._limit(math.inf if self._paused else self._world.coarse.now + self._trial.member.timeouts.stall)
        elif outcome is Outcome.OK:
            self._end_attempt(Outcome.OK, whole=True)
            self._done(200, keep_alive=self._call.keep_alive)
        else:
            self._break(outcome)

    def _break(self, outcome: Outcome) -> None:
        """The endpoint broke off after content had left for the client: another one goes on, or the stream fails."""
        flow, trial = self._flow, self._trial
        if flow is None or flow.end():
            self._end_attempt(Outcome.OK)
            self._done(200, keep_alive=self._call.keep_alive)
            return
        now = self._end_attempt(outcome)
        self._note_failed(outcome, now)
        self._deadline = now + self._left
        self._state = State.CONNECTING
        self._candidates.broke(trial, outcome, now)
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
        elif self._gone and not self._failed:
            status, reply = 404, replies.gone(call)
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
        self._finish()
        counted = self._call.chain.replies
        counted[status] = counted.get(status, 0) + 1
        if self._world.on_reply is not None:
            self._world.on_reply(Replied(self._call.request_id.decode("ascii"), self._call.chain.role, status))
        self._client.done(keep_alive=keep_alive)

    def _finish(self) -> None:
        self._state = State.DONE
        self.expires = math.inf
        self._world.timed.discard(self)

    # --- the client, the clock, and the end of the router

    def client_gone(self) -> None:
        """Close the endpoint's connection at once: it would go on computing for nobody."""
        if self._state != State.DONE:
            self._abandon()
            self._finish()

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
        try:
            self._expired(now)
        except Exception:
            self.on_bug()

    def _expired(self, now: float) -> None:
        if self._state == State.QUEUED:
            self._wait_on(now)
        elif self._state == State.AWAY and self._waiting is not None:
            self._tell(self._waiting, None, now)
            self._look_again(now)
        elif self._state == State.FLOWING:
            self._break(Outcome.TIMEOUT if now >= self._end else Outcome.STALL)
        elif self._state == State.CONNECTING and now < self._deadline:
            self._attempt_failed(Outcome.CONNECT)
        elif now < self._end and not self._call.stream:
            self._look_after(now)
        else:
            self._attempt_failed(Outcome.TIMEOUT)

    def router_stops(self) -> None:
        """The time to finish is over."""
        if self._state == State.DONE:
            return
        if self._state == State.FLOWING and self._flow is not None and self._flow.end():
            self._end_attempt(Outcome.OK)  # all was said; only the end of the endpoint's message was to come
            self._done(200, keep_alive=False)
            return
        problem = Problem(503, "shutting_down", "the router is stopping; ask again", attempts=self._failed)
        self._tell_why(problem)
        self._abandon()
        self._done(503 if self._flow is None else 200, keep_alive=False)

    def on_bug(self) -> None:
        """Something of this request has raised: it ends, once, with an error, and costs nobody else anything."""
        self._world.on_bug("a request could not be answered")
        if self._state == State.DONE:
            return
        if self._state == State.FLOWING:
            self._state = State.WAITING  # what reads the stream may be what has failed
        self._abandon()
        try:
            self._tell_why(Problem(500, "internal_error", "internal error of the router", attempts=self._failed))
        except Exception:
            self._world.on_bug("nor could that be told")  # the connection closes, which is no clean end
        self._done(500 if self._flow is None else 200, keep_alive=False)

    def _tell_why(self, problem: Problem) -> None:
        """The reply, or what has left of it, ends with this."""
        if self._flow is not None and self._client.retract():
            self._flow = None
        if self._flow is not None:
            self._flow.fail(problem)
        else:
            self._client.write(replies.error(self._call, problem, self._failed))

    def _abandon(self) -> None:
        trial: Trial | None = getattr(self, "_trial", None)
        if self._state == State.QUEUED:
            self._queue.leave(self)
        elif self._state != State.AWAY and trial is not None and not trial.ended:
            self._end_attempt(Outcome.CANCELLED)
