"""The shell around the decisions: observe, decide, execute, report. One call works on one key, once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from auriga_operator import labels, notices, views
from auriga_operator.chains import chain_status
from auriga_operator.conditions import Finding, conditions, gist
from auriga_operator.diagnose import Problem, refusal
from auriga_operator.errors import ApiError, Stalled, Unreachable
from auriga_operator.farewell import Mark
from auriga_operator.interest import parent
from auriga_operator.kube import FIELD_MANAGER, Kube
from auriga_operator.notices import Notice
from auriga_operator.objects.base import owned_by
from auriga_operator.observe import Observer
from auriga_operator.plan import Deletion, Plan, Resize, decide
from auriga_operator.resources import BY_KIND, CHAINS, DEPLOYMENTS, Key, Object, key_of
from auriga_operator.rollouts import Rollouts
from auriga_operator.scaling import Scaling
from auriga_operator.settings import Settings
from auriga_operator.snapshot import ModelSnapshot
from auriga_operator.status import model_status
from auriga_operator.store import Store
from auriga_operator.workqueue import Failed

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
"""How often is looked at what nobody tells of: how far a download is."""
_CALM_SECONDS = 2.0
"""Least time between two writes of a status in which only counts and texts change."""
_BUSY_SECONDS = 30.0
"""The same while more objects wait to be worked on than there are workers."""

Told = Callable[[dict[str, Any], dict[str, Any]], Iterable[Notice]]


class Reconciler:
    """Works on Models and RoleChains.

    ``wake`` is told which others a change of ours matters to; ``busy`` says whether much else waits, and
    ``wake_when_idle`` is told what can wait for that.
    """

    def __init__(
        self,
        kube: Kube,
        store: Store,
        observer: Observer,
        settings: Settings,
        *,
        wake: Callable[[Key], None],
        wake_when_idle: Callable[[Key], None],
        busy: Callable[[], bool],
        scaling: Scaling,
        clock: Callable[[], float],
    ) -> None:
        self._kube = kube
        self._store = store
        self._observer = observer
        self._settings = settings
        self._wake = wake
        self._wake_when_idle = wake_when_idle
        self._busy = busy
        self._scaling = scaling
        self._clock = clock
        self._written: dict[Key, float] = {}
        self._rollouts = Rollouts(settings.rollouts)

    async def __call__(self, key: Key) -> float | None:
        """Work on it; seconds after which to look again, if so. Failed: it has to be tried again."""
        try:
            try:
                return await (self._chain(key) if key.kind == CHAINS.kind else self._model(key))
            except Stalled as stalled:
                await self._cannot_be_read(key, stalled)
                return None
        except (ApiError, Unreachable) as error:
            _log.warning("%s: %s", key, error)
            raise Failed(error.retry_after if isinstance(error, ApiError) else 0.0) from error

    def take_over(self) -> None:
        """Before the first work as the leader: what goes on already."""
        self._scaling.clear()
        for key in self._store.keys(DEPLOYMENTS):
            item = self._store.get(key)
            model = parent(item) if item else None
            if item and model:
                self._rollouts.take_over(model, views.deployment(item), self._clock())

    async def _model(self, key: Key) -> float | None:
        now = self._clock()
        seen = await self._observer.model(key, now)
        if seen is None:
            self._forget(key)
            return None
        if seen.model.metadata.deletion_timestamp:
            # The garbage collector takes what it owned; whatever was put right now would be in its way.
            return None
        scale, scaling_again = self._scaling.scale(seen)
        seen = replace(seen, scale=scale, freed=self._rollouts.freed(key, seen.leaving, now))
        plan = decide(seen, self._settings, now, hold=self._rollouts.full(key, now))
        if plan.replaces_pods:
            self._rollouts.begin(key, now)
        refused = await self._act(key, seen, plan, now)
        after = self._observer.again(seen) if not plan.empty else seen
        self._rollouts.note(key, after.deployment)
        delay = await self._report(key, model_status(after, refused, self._clock()), notices.of_model)
        if refused:
            raise Failed
        return _soonest(delay, plan.look_again, scaling_again, _LOOK_SECONDS if _unheard(after) else None)

    async def _chain(self, key: Key) -> float | None:
        seen = self._observer.chain(key)
        if seen is None:
            self._forget(key)
            return None
        return await self._report(key, chain_status(seen, self._clock()), notices.of_chain)

    def _forget(self, key: Key) -> None:
        self._written.pop(key, None)
        self._rollouts.note(key, None)
        self._observer.forget(key)
        self._scaling.forget(key)

    async def _act(self, key: Key, seen: ModelSnapshot, plan: Plan, now: float) -> Problem | None:
        """Do all of it; what the API server refuses for good comes back as a Problem.

        Of a new Model is said meanwhile what is so unless something is refused: two writes in a row take twice as long.
        Not while much waits: then the status that comes after has heard more, and need not be written again so soon.
        """
        if plan.empty or not seen.new or self._busy():
            return await self._execute(key, plan)
        doing = asyncio.create_task(self._execute(key, plan))
        telling = asyncio.create_task(self._report(key, model_status(seen, None, now), notices.of_model))
        await asyncio.gather(doing, telling, return_exceptions=True)
        telling.result()
        return doing.result()

    async def _execute(self, key: Key, plan: Plan) -> Problem | None:
        if plan.empty:
            return None
        _log.info("%s: %s", key, plan)
        await asyncio.gather(*(self._mark(mark) for mark in plan.marks))
        steps = [self._apply(item) for item in plan.apply] + [self._delete(each) for each in plan.delete]
        steps += [self._resize(plan.resize)] if plan.resize else []
        results = await asyncio.gather(*steps, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not (isinstance(failure, ApiError) and failure.refused) and not isinstance(failure, Stalled):
                raise failure
        return _as_problem(failures[0]) if failures else None

    async def _apply(self, item: Object) -> None:
        known = self._store.version(key_of(item))
        try:
            # What is not known to be ours must not be taken over: somebody else's may have that name.
            self._put(await self._kube.apply(item, force=known != 0))
        except ApiError as error:
            if error.status != 409 or known:
                raise
            if not await self._ours(item):
                raise Stalled(
                    "NameTaken",
                    f"there is a {item['kind']} {item['metadata']['name']} already that does not belong to it: delete"
                    " or rename that one, or give the Model another name",
                ) from error
            self._put(await self._kube.apply(item))

    async def _ours(self, item: Object) -> bool:
        """Whether what has that name is the Model's own, though somebody took the label away by which it is seen."""
        key = key_of(item)
        selectors = {"fieldSelector": f"metadata.name={key.name}"}  # the operator may list those, and not get them
        pages = self._kube.pages(BY_KIND[key.kind], key.namespace, selectors)
        found = [live async for page, _ in pages for live in page]
        return any(owned_by(live, item["metadata"]["ownerReferences"][0]["uid"]) for live in found)

    async def _mark(self, mark: Mark) -> None:
        """Best effort: fewer replicas do not wait for the right ones to go."""
        try:
            cost = {"metadata": {"annotations": {labels.DELETION_COST: str(mark.cost)}}}
            self._put(await self._kube.merge(mark.key, mark.uid, cost))
        except (ApiError, Unreachable) as error:
            _log.debug("%s: not marked: %s", mark.key, error)

    async def _resize(self, resize: Resize) -> None:
        change = {"spec": {"replicas": resize.replicas}}
        self._put(await self._kube.merge(resize.key, resize.uid, change))

    async def _delete(self, deletion: Deletion) -> None:
        await self._kube.delete(deletion.key, deletion.uid)

    async def _report(self, key: Key, status: dict[str, Any], told: Told) -> float | None:
        """Write the status if it is another one. What can wait is written a little later, together with what comes."""
        item = self._store.get(key)
        if item is None or item.get("status") == status:
            return None
        before = item.get("status") or {}
        now = self._clock()
        if gist(before) == gist(status) and (wait := self._calm(key, now - self._written.get(key, 0.0))):
            return wait
        await self._write_status(item, status)
        self._written[key] = now
        for notice in told(before, status):
            await self._tell(notice, item, now)
        return None

    def _calm(self, key: Key, since: float) -> float:
        """How long to wait with what can wait, so many seconds after the last write: longer while much is to do."""
        if not self._busy():
            return max(0.0, _CALM_SECONDS - since)
        if since < _BUSY_SECONDS:
            self._wake_when_idle(key)
        return max(0.0, _BUSY_SECONDS - since)

    async def _write_status(self, item: Object, status: dict[str, Any]) -> None:
        metadata = {"name": item["metadata"]["name"], "namespace": item["metadata"]["namespace"]}
        body = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata, "status": status}
        try:
            self._put(await self._kube.apply(body, subresource="status"))
        except ApiError as error:
            if error.status != 404:  # it was deleted meanwhile
                raise

    async def _tell(self, notice: Notice, item: Object, now: float) -> None:
        try:
            await self._kube.create(notices.event(notice, item, FIELD_MANAGER, now))
        except (ApiError, Unreachable) as error:
            # It was told before (409), or it cannot be told: the condition says the same.
            _log.debug("%s: no Event: %s", key_of(item), error)

    def _put(self, item: Object) -> None:
        """Keep what the API server answered, so that its echo is no news; wake only others."""
        own = key_of(item)
        for key in self._store.put(item):
            if key != own and key.kind == CHAINS.kind:
                self._wake(key)

    async def _cannot_be_read(self, key: Key, stalled: Stalled) -> None:
        item = self._store.get(key)
        if item is None:
            return
        generation = item["metadata"].get("generation", 0)
        reason, message = stalled.reason, stalled.message
        findings = [Finding("Ready", "False", reason, message), Finding("Stalled", "True", reason, message)]
        status: dict[str, Any] = {
            "observedGeneration": generation,
            "conditions": conditions(findings, generation, (), self._clock()),
        }
        if gist(item.get("status")) != gist(status):
            await self._report(key, status, notices.of_model)


def _as_problem(failure: BaseException) -> Problem:
    if isinstance(failure, Stalled):
        return Problem(failure.reason, failure.message)
    return refusal(failure.message if isinstance(failure, ApiError) else str(failure))


def _unheard(seen: ModelSnapshot) -> bool:
    """Whether something goes on that no watch tells of."""
    return any(not pod.over for pod in seen.fetchers)


def _soonest(*delays: float | None) -> float | None:
    return min((delay for delay in delays if delay is not None), default=None)
