"""A program that takes llama-server's command line and misbehaves as told: for what a real one cannot be made to do.

    fake_llama_server.py --model FILE --host HOST --port PORT ... --fake MODE

MODE is one of

    serve     answers /health and chats
    loading   says 503 for ever
    crash     says why, and exits with 3
    silent    listens, accepts, and never answers
    mute      is healthy, and answers no chat
    stubborn  serves, and ignores SIGTERM
    late      says 503 until the file $FAKE_GATE is there
    hang      serves until the file $FAKE_GATE is there, and then answers nothing any more

The command line and the process id are appended to the file $FAKE_RECORD as a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ARGS = sys.argv[1:]
MODE = ARGS[ARGS.index("--fake") + 1] if "--fake" in ARGS else "serve"
ALIAS = ARGS[ARGS.index("--alias") + 1]
PORT = int(ARGS[ARGS.index("--port") + 1])
GATE = Path(os.environ.get("FAKE_GATE", "/nonexistent"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if MODE == "silent" or (MODE == "hang" and GATE.exists()):
            threading.Event().wait()
        loading = MODE == "loading" or (MODE == "late" and not GATE.exists())
        self.reply(503 if loading else 200, {"status": "loading" if loading else "ok"})

    def do_POST(self) -> None:
        if MODE == "mute":
            threading.Event().wait()
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": f"{ALIAS} speaking"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.reply(200, {"id": "x", "object": "chat.completion", "model": ALIAS, "choices": [choice]})

    def reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    if record := os.environ.get("FAKE_RECORD"):
        with open(record, "a") as file:
            file.write(json.dumps({"pid": os.getpid(), "args": ARGS, "alias": ALIAS}) + "\n")
    print(f"fake engine {ALIAS} is {MODE}; its key is {os.environ.get('FAKE_KEY', 'none')}", flush=True)
    if MODE == "crash":
        print("out of cheese", file=sys.stderr, flush=True)
        sys.exit(3)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()


if __name__ == "__main__":
    main()
