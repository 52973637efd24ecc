"""A mirror that breaks: it cuts the first download after a third, and lets the second hang after another third.

Writes one JSON line for each download: where it began, and how many bytes it was given.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event

WEIGHTS = Path("/demo.gguf").read_bytes()
THIRD = len(WEIGHTS) // 3
downloads = count()


class Mirror(BaseHTTPRequestHandler):
    """Serves one file, or a range of it."""

    def do_HEAD(self) -> None:
        self.answer(200, 0, len(WEIGHTS))

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1 if asked and asked[2] else len(WEIGHTS), len(WEIGHTS))
        self.answer(206 if asked else 200, start, end)
        if end - start < 2:  # only asks whether there are ranges
            self.wfile.write(WEIGHTS[start:end])
            return
        number = next(downloads)
        part = WEIGHTS[start : end if number > 1 else start + THIRD]
        self.wfile.write(part)
        self.wfile.flush()
        print(json.dumps({"from": start, "bytes": len(part)}), flush=True)
        if number == 1:
            Event().wait()
        self.close_connection = True

    def answer(self, status: int, start: int, end: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"demo"')
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(WEIGHTS)}")
        self.end_headers()


ThreadingHTTPServer(("", 8000), Mirror).serve_forever()
