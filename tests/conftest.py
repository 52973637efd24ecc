"""What every test may rely on."""

from __future__ import annotations

import signal

# A shell starts its background jobs with Ctrl-C ignored, and every child inherits that: tests that press it would wait.
signal.signal(signal.SIGINT, signal.default_int_handler)
