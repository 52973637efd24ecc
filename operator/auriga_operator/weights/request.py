"""The request of the program: one JSON object on stdin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from auriga_api.base import Schema
from auriga_api.model import Source
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.fit import Need
from auriga_operator.weights.memory import Room


class Request(Schema):
    """What to fetch, and where it is kept."""

    source: Source
    cache: Annotated[str, Field(min_length=1)]
    """Absolute folder that is shared between runs, Models and processes."""
    base: str = "."
    """Folder that a relative ``file.path`` starts from: the manifest's."""
    context_length: Annotated[int, Field(gt=0)] | None = None
    """Of one slot; default: what the file was trained for. For the estimate of memory."""
    parallel: Annotated[int, Field(gt=0)] = 1
    """Slots. For the estimate of memory."""
    gpu_memory: Annotated[int, Field(ge=0)] = 0
    """Bytes of one GPU: with quantization ``auto`` the best file that fits is taken. 0: not known."""
    gpus: Annotated[int, Field(gt=0)] = 1
    parent_pid: int = 0
    """The process that this one must not outlive; 0: none."""

    @property
    def need(self) -> Need | None:
        """What the weights are to fit into; None where the GPUs' memory is not known."""
        if not self.gpu_memory:
            return None
        return Need(Room(self.gpu_memory, self.gpus), self.context_length, self.parallel)

    @property
    def cache_folder(self) -> Path:
        return Path(self.cache).expanduser()


def parse(text: str) -> Request:
    """The request in ``text``. Raises WeightsError (Failed) that names each wrong field."""
    try:
        return Request.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'request'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise WeightsError(Reason.FAILED, f"the request is not one: {problems}") from None
