"""Streams and errors of each provider, as their public documentation and SDK types have them (llama-server's: as it
sent them), and what they say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auriga_router.translate import Kind, Wire
from auriga_router.translate.answer import Answer, AnswerPart, Stop, Usage
from auriga_router.translate.canonical import Reasoning, RedactedReasoning, Refusal, Text, ToolCall

_STREAMS = Path(__file__).parent / "streams"


@dataclass(frozen=True)
class Recording:
    """One stream, and the answer in it; or the failure that it ends with."""

    name: str
    content: tuple[AnswerPart, ...]
    stop: Stop = Stop.END
    usage: Usage | None = None
    stop_sequence: str | None = None
    failure: Kind | None = None

    @property
    def wire(self) -> Wire:
        """What it is written in."""
        messages = self.name.startswith("anthropic") or self.name == "llama_messages"
        return Wire.MESSAGES if messages else Wire.CHAT

    @property
    def body(self) -> bytes:
        """The stream."""
        return (_STREAMS / f"{self.name}.sse").read_bytes()

    def tells(self, answer: Answer) -> bool:
        """Is this the answer?"""
        told = (answer.content, answer.stop, answer.usage, answer.stop_sequence)
        return told == (self.content, self.stop, self.usage, self.stop_sequence)


@dataclass(frozen=True)
class RecordedError:
    """An error response, and what is wrong."""

    provider: str
    status: int
    body: bytes
    kind: Kind


def errors() -> list[RecordedError]:
    """All error responses."""
    table: list[dict[str, Any]] = json.loads((_STREAMS / "errors.json").read_text())
    return [
        RecordedError(
            row["provider"],
            row["status"],
            row["body"].encode() if isinstance(row["body"], str) else json.dumps(row["body"]).encode(),
            Kind(row["kind"]),
        )
        for row in table
    ]


def _weather(call_id: str, city: str, signature: str = "") -> ToolCall:
    return ToolCall(call_id, "get_weather", json.dumps({"city": city}, separators=(",", ":")), signature)


_SIGNED = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk+/=="
_GEMINI = "call_dYQgaZ3nJ5yk1MkP0v2t-Ac_"

RECORDINGS = (
    Recording("openai_text", (Text("Hello 世界 🙂!"),), usage=Usage(19, 8, 0, 21, 12)),
    Recording(
        "openai_parallel_tools",
        (_weather("call_aZ1", "Paris"), _weather("call_bY2", "Rome")),
        Stop.TOOL_USE,
        Usage(80, 0, 0, 40),
    ),
    Recording("openai_refusal", (Refusal("I'm sorry, I can't help with that."),)),
    Recording("openai_logprobs", (Text("Yes."),)),
    Recording("openai_content_filter", (Text("The recipe"),), Stop.REFUSAL),
    Recording("openai_error_inside", (Text("The"),), failure=Kind.SERVER),
    Recording("openai_cut", (Text("Once upon a"),), failure=Kind.INTERRUPTED),
    Recording("gemini_text", (Text("The capital of France is Paris."),), usage=Usage(9, 0, 0, 8)),
    Recording(
        "gemini_tool",
        (_weather("function-call-8815712396425513000", "Paris", "CsEBAdHtim9+/w=="),),
        Stop.TOOL_USE,
        Usage(60, 0, 0, 15),
    ),
    Recording(
        "gemini_parallel_tools",
        (
            _weather(f"{_GEMINI}0", "Paris", "CsEBAdHtim9+/w=="),
            _weather(f"{_GEMINI}1", "Rome"),
            ToolCall(f"{_GEMINI}2", "get_time", "{}"),
        ),
        Stop.TOOL_USE,
    ),
    Recording("gemini_thoughts", (Reasoning("Paris, surely."), Text("Paris."))),
    Recording("ollama_text", (Text("Hi there"),), usage=Usage(12, 0, 0, 3)),
    Recording("ollama_thinking", (Reasoning("The user greets."), Text("Hi!"))),
    Recording(
        "ollama_tools",
        (
            ToolCall("call_hk81qg8b", "run_command", '{"command":"ls -la"}'),
            ToolCall("call_wteop8bt", "run_command", '{"command":"pwd"}'),
        ),
        Stop.TOOL_USE,
    ),
    Recording("llama_text", (Text("A RoleChain is"),), Stop.LENGTH, Usage(18, 17, 0, 3)),
    Recording("llama_reasoning", (Reasoning("Let me see."), Text("Four"))),
    Recording("llama_tools", (Text("I look."), _weather("Yq1RZ2C1vN0sXPuZ", 'Pa"ris}')), Stop.TOOL_USE),
    Recording("llama_error_inside", (Text("A"),), failure=Kind.CONTEXT_OVERFLOW),
    Recording(
        "vllm_names_first",
        (
            Text("Both."),
            _weather("functions.get_weather:0", "Paris"),
            ToolCall("functions.get_time:1", "get_time", '{"zone":"CET"}'),
            Text(" Done."),
        ),
        Stop.TOOL_USE,
    ),
    Recording("vllm_stop_sequence", (Text("one two"),), Stop.STOP_SEQUENCE, Usage(5, 0, 0, 3), "three"),
    Recording("mistral_parts", (Reasoning("Hmm."), Text("Yes."))),
    Recording("anthropic_text", (Text("Hello 世界!"),), usage=Usage(25, 0, 0, 15)),
    Recording("anthropic_cached", (Text("Ready"),), Stop.STOP_SEQUENCE, Usage(2104, 2000, 100, 3), "END"),
    Recording(
        "anthropic_tools",
        (
            Text("Okay, let's check."),
            ToolCall("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather", '{"location": "San Francisco, CA"}'),
            ToolCall("toolu_02", "now", "{}"),
        ),
        Stop.TOOL_USE,
        Usage(472, 0, 0, 89),
    ),
    Recording(
        "anthropic_thinking",
        (
            Reasoning("I need to find the GCD.\n\n462 = 8 x 54 + 30", _SIGNED),
            Text("The greatest common divisor is 6."),
        ),
        usage=Usage(25, 0, 0, 60, 40),
    ),
    Recording(
        "anthropic_redacted",
        (RedactedReasoning("EmwKAhgBEgy3va3pzix/LafPsn4="), Reasoning("", "EqQBCg=="), Text("Done.")),
        usage=Usage(25, 0, 0, 9),
    ),
    Recording("anthropic_search", (Text("I'll look."), Text("Sunny.")), usage=Usage(25, 0, 0, 50)),
    Recording("anthropic_refusal", (Text("I"),), Stop.REFUSAL, Usage(25, 0, 0, 2)),
    Recording("anthropic_overloaded", (Text("Once"),), failure=Kind.OVERLOADED),
    Recording("anthropic_cut", (Text("Once"),), failure=Kind.INTERRUPTED),
    Recording("llama_messages", (Text("A RoleChain"),), Stop.LENGTH, Usage(18, 17, 0, 2)),
)
