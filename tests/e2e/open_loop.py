"""What a pod of a scenario runs: requests that come when they come, however long the ones before take.

    python open_loop.py URL MODEL RATE SECONDS CROWD

First two, one after the other. Once the file /tmp/go is there: for SECONDS, RATE crowds of CROWD a second, at random
times that are the same each time. Nothing is tried twice. One JSON line for each answer: {"ok", "status", "stream",
"sent", "first", "done", "error"}, times in seconds since 1970, `first` that of the first content.
"""

import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

GO = Path("/tmp/go")
TIMEOUT = 120
_print = threading.Lock()


def main() -> None:
    """Ends when everything is answered."""
    url, model = sys.argv[1:3]
    rate, seconds, crowd = map(float, sys.argv[3:])
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    with httpx.Client(base_url=url, timeout=TIMEOUT, limits=limits) as client:
        tell(client, model, stream=True)
        tell(client, model, stream=True)  # what an answer takes when nothing has to start
        while not GO.exists():
            time.sleep(0.05)
        arrivals = random.Random(7)
        threads, begin, due = [], time.monotonic(), 0.0
        while (due := due + arrivals.expovariate(rate)) < seconds:
            time.sleep(max(0.0, begin + due - time.monotonic()))
            come = [
                threading.Thread(target=tell, args=(client, model), kwargs={"stream": n % 2 > 0})
                for n in range(int(crowd))
            ]
            for thread in come:
                thread.start()
            threads += come
        for thread in threads:
            thread.join()


def tell(client: httpx.Client, model: str, *, stream: bool) -> None:
    """One request, and its line."""
    sent = time.time()
    try:
        line = ask(client, model, stream=stream)
    except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
        line = {"ok": False, "status": 0, "error": f"{type(error).__name__}: {error}"}
    with _print:
        print(json.dumps({"sent": sent, "stream": stream, **line, "done": time.time()}), flush=True)


def ask(client: httpx.Client, model: str, *, stream: bool) -> dict[str, Any]:
    """One request, and what came of it."""
    question = [{"role": "user", "content": "What is a RoleChain?"}]
    body = {"model": model, "messages": question, "max_tokens": 400, "temperature": 0, "stream": stream}
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        if answer.status_code != 200:
            return {"ok": False, "status": answer.status_code, "error": answer.read().decode()[:500]}
        return {"status": 200, **(_streamed(answer) if stream else _whole(answer))}


def _whole(answer: httpx.Response) -> dict[str, Any]:
    text = json.loads(answer.read())["choices"][0]["message"]["content"]
    return {"ok": bool(text), "first": time.time()}


def _streamed(answer: httpx.Response) -> dict[str, Any]:
    first, finished, waited = 0.0, False, 0
    for line in answer.iter_lines():
        waited += line.startswith(":")
        if not line.startswith("data: {"):
            ended = line == "data: [DONE]"
            if ended:
                return {"ok": bool(first) and finished, "first": first, "comments": waited}
            continue
        for choice in json.loads(line.removeprefix("data: "))["choices"]:
            first = first or (time.time() if choice["delta"].get("content") else 0.0)
            finished = finished or bool(choice.get("finish_reason"))
    raise ValueError("the stream has no [DONE]")


if __name__ == "__main__":
    main()
