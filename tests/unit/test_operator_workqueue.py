"""The queue of keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

from auriga_operator.workqueue import FIRST_PAUSE, Failed, WorkQueue

Work = Callable[[str], Awaitable[float | None]]


@asynccontextmanager
async def running(work: Work, workers: int = 4) -> AsyncIterator[WorkQueue[str]]:
    queue: WorkQueue[str] = WorkQueue(work, workers)
    task = asyncio.create_task(queue.run())
    try:
        async with asyncio.timeout(10):
            yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Gate:
    """Work that waits until it is let go, and says when it began."""

    def __init__(self) -> None:
        self.began: asyncio.Queue[str] = asyncio.Queue()
        self.let_go = asyncio.Semaphore(0)
        self.at_once = self.most = 0

    async def __call__(self, key: str) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.began.put_nowait(key)
        await self.let_go.acquire()
        self.at_once -= 1


async def test_a_key_is_queued_once_and_worked_on_once_more_if_added_meanwhile() -> None:
    gate = Gate()
    async with running(gate) as queue:
        for _ in range(3):
            queue.add("a")
        assert await gate.began.get() == "a"
        for _ in range(3):
            queue.add("a")
        assert gate.began.empty()
        gate.let_go.release()
        assert await gate.began.get() == "a"
        gate.let_go.release()
        queue.add("end")
        assert await gate.began.get() == "end"
        assert gate.began.empty()


async def test_one_key_never_runs_twice_at_once_and_all_no_more_than_there_are_workers() -> None:
    gate = Gate()
    async with running(gate, workers=2) as queue:
        for key in "abcabc":
            queue.add(key)
        assert {await gate.began.get(), await gate.began.get()} == {"a", "b"}
        assert queue.depth == 3
        for _ in range(3):
            gate.let_go.release()
        assert await gate.began.get() == "c"
        assert gate.most == 2


async def test_what_fails_is_tried_again_after_pauses_that_grow_until_it_succeeds() -> None:
    times: list[float] = []
    succeeded = asyncio.Event()

    async def work(key: str) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 4:
            raise Failed
        succeeded.set()

    async with running(work) as queue:
        queue.add("a")
        await succeeded.wait()
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert all(pause >= FIRST_PAUSE * 2**n * 0.9 for n, pause in enumerate(pauses))


async def test_a_failure_may_ask_for_a_longer_pause_and_news_end_it() -> None:
    tries: asyncio.Queue[str] = asyncio.Queue()

    async def work(key: str) -> None:
        tries.put_nowait(key)
        raise Failed(after=3600)

    async with running(work) as queue:
        queue.add("a")
        await tries.get()
        queue.add("a")
        await tries.get()
        queue.retry_failed()
        await tries.get()


async def test_work_that_asks_to_be_looked_at_again_is() -> None:
    looks: asyncio.Queue[str] = asyncio.Queue()

    async def work(key: str) -> float:
        looks.put_nowait(key)
        return 0.01

    async with running(work) as queue:
        queue.add("a")
        for _ in range(3):
            assert await looks.get() == "a"


async def test_the_earliest_of_several_looks_counts() -> None:
    looks: asyncio.Queue[str] = asyncio.Queue()

    async def work(key: str) -> None:
        looks.put_nowait(key)

    async with running(work) as queue:
        queue.add_after("a", 3600)
        queue.add_after("a", 0.01)
        queue.add_after("a", 3600)
        assert await looks.get() == "a"
        assert queue.oldest() < 5


async def test_the_age_of_the_oldest_work_is_known() -> None:
    gate = Gate()
    async with running(gate, workers=1) as queue:
        assert queue.oldest() == 0
        queue.add("a")
        await gate.began.get()
        queue.add("b")
        assert queue.oldest() > 0


async def test_an_error_that_nobody_thought_of_stops_nothing() -> None:
    tries: asyncio.Queue[str] = asyncio.Queue()

    async def work(key: str) -> None:
        tries.put_nowait(key)
        if key == "bad":
            raise ValueError("unexpected")

    async with running(work, workers=1) as queue:
        queue.add("bad")
        queue.add("good")
        assert [await tries.get() for _ in range(3)] == ["bad", "good", "bad"]


async def test_what_can_wait_is_worked_on_when_nothing_else_waits_and_only_once() -> None:
    worked: list[str] = []
    done = asyncio.Event()

    async def work(key: str) -> None:
        worked.append(key)
        if key == "first":
            queue.add_when_idle("later")
            for number in range(5):
                queue.add(f"other{number}")
        elif key == "later":
            done.set()

    async with running(work, workers=1) as queue:
        queue.add("first")
        await done.wait()
        assert worked == ["first", *(f"other{number}" for number in range(5)), "later"]
        queue.add("end")
        await asyncio.sleep(0)
    assert worked.count("later") == 1


async def test_what_can_wait_needs_no_second_turn_when_it_had_one_anyway() -> None:
    worked: list[str] = []
    done = asyncio.Event()

    async def work(key: str) -> None:
        worked.append(key)
        if worked == ["first"]:
            queue.add_when_idle("later")
            queue.add("later")
            queue.add("last")
        elif key == "last":
            done.set()

    async with running(work, workers=1) as queue:
        queue.add("first")
        await done.wait()
    assert worked == ["first", "later", "last"]
