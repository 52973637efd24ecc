"""What a pod of a scenario runs: asks the router over and over, and writes one JSON line for each answer.

    python client.py URL MODEL WORKERS COUNT STREAMS QUESTION

STREAMS: `half` of the requests are streamed, or `all`. Half of the workers keep their connection. COUNT: requests after
which it ends by itself; 0: it goes on until the file /tmp/stop exists. Nothing is tried twice. A line: {"ok", "status",
"model" (who answered), "attempts", "error", "text"}.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx

STOP = Path("/tmp/stop")
PACE = 0.05  # seconds between two requests of a worker
_print = threading.Lock()


def main() -> None:
    """Runs all workers to their end."""
    url, model, workers, requests, streams, question = sys.argv[1:]
    numbers = iter(range(int(requests))) if int(requests) else count()
    ask = partial(one, model=model, streams=streams, question=question)
    threads = [threading.Thread(target=work, args=(url, ask, numbers, bool(n % 2))) for n in range(int(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work(url: str, ask: Callable[..., dict[str, Any]], numbers: Any, keeps: bool) -> None:
    """One worker."""
    with ExitStack() as stack:
        kept = stack.enter_context(httpx.Client(base_url=url, timeout=60)) if keeps else None
        while not STOP.exists() and (number := next(numbers, None)) is not None:
            with ExitStack() as once:
                client = kept or once.enter_context(httpx.Client(base_url=url, timeout=60))
                line = ask(client, number)
            with _print:
                print(json.dumps(line), flush=True)
            time.sleep(PACE)


def one(client: httpx.Client, number: int, *, model: str, streams: str, question: str) -> dict[str, Any]:
    """One request and what came of it."""
    stream = streams == "all" or bool(number // 2 % 2)
    messages = [{"role": "user", "content": question}]
    body = {"model": model, "messages": messages, "max_tokens": 400, "temperature": 0, "stream": stream}
    line: dict[str, Any] = {"ok": False, "stream": stream}
    try:
        answer = client.post("/v1/chat/completions", json=body)
    except httpx.HTTPError as error:
        return line | {"status": 0, "error": f"{type(error).__name__}: {error}"}
    headers = answer.headers
    line |= {"status": answer.status_code, "model": headers.get("x-auriga-model")}
    line |= {"attempts": headers.get("x-auriga-attempts"), "request": headers.get("x-request-id")}
    if answer.status_code != 200:
        return line | {"error": answer.text[:500]}
    try:
        text = streamed(answer.text) if stream else answer.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError) as error:
        return line | {"error": f"{type(error).__name__}: {error}: {answer.text[-500:]}"}
    return line | {"ok": bool(text), "text": text}


def streamed(text: str) -> str:
    """The whole answer. Raises ValueError for a stream that has no proper end."""
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    if not events or events[-1] != "[DONE]":
        raise ValueError("the stream has no [DONE]")
    choices = [choice for event in events[:-1] for choice in json.loads(event)["choices"]]
    if not any(choice.get("finish_reason") for choice in choices):
        raise ValueError("the stream has no finish_reason")
    return "".join(choice["delta"].get("content") or "" for choice in choices)


if __name__ == "__main__":
    main()
