"""The item of a response that is being streamed. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.responses.items import call_item, message_item, reasoning_item, refusal_part, text_part

TEXT, REFUSAL, REASONING, REDACTED, CALL = "output_text", "refusal", "reasoning_text", "redacted", "function_call"


class OpenItem:
    """One item, and what came of it so far: its last event repeats all of it."""

    __slots__ = ("call", "ended", "identifier", "index", "kind", "logprobs", "pieces", "signature")

    def __init__(self, kind: str, index: int, bare: str, call: tuple[str, str, str] = ("", "", "")) -> None:
        self.kind = kind
        self.index = index
        self.identifier = f"{bare}_{index}"
        self.call = call
        """Id, name and signature of a call."""
        self.pieces: list[str] = []
        self.logprobs: list[Json] = []
        self.signature = ""
        self.ended = False
        """Whole; whether it was cut off shows when the next begins, or the answer ends."""

    @property
    def id(self) -> str:
        """As in the item itself."""
        item_id: str = self.item("")["id"]
        return item_id

    @property
    def text(self) -> str:
        """What came so far."""
        return "".join(self.pieces)

    def item(self, status: str, *, begun: bool = False) -> Json:
        """The item as it is now; ``begun``: as it was when nothing of it had come."""
        text = "" if begun else self.text
        if self.kind == CALL:
            call_id, name, signature = self.call
            return call_item(self.identifier, call_id, name, text, status, signature=signature)
        if self.kind == REDACTED:
            return reasoning_item(self.identifier, "", status, redacted=text)
        if self.kind == REASONING:
            return reasoning_item(self.identifier, text, status, signature="" if begun else self.signature)
        return message_item(self.identifier, [] if begun else [self.part()], status)

    def part(self, *, begun: bool = False) -> Json:
        """The item's one content part."""
        text = "" if begun else self.text
        if self.kind == TEXT:
            return text_part(text, [] if begun else self.logprobs)
        return refusal_part(text) if self.kind == REFUSAL else {"type": REASONING, "text": text}
