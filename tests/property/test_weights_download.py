"""Whatever happens on the way, what arrives is the file; and what is chosen does not hang on the order of a listing."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from auriga_operator.weights.choose import RepoFile, choose
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.partial import Partial
from auriga_operator.weights.retry import Policy
from auriga_operator.weights.transfer import Remote, Transfer

SIZE = 5000
CONTENT = random.Random(7).randbytes(SIZE)
EXPECTED = Digest("sha256", hashlib.sha256(CONTENT).hexdigest())


class Cut(httpx2.SyncByteStream):
    """A body whose connection breaks after some bytes."""

    def __init__(self, body: bytes, after: int) -> None:
        self._body, self._after = body, after

    def __iter__(self):
        yield self._body[: self._after]
        if self._after < len(self._body):
            raise httpx2.ReadError("cut")


def server(faults: Sequence[tuple[str, int]]):
    """Answers one fault a request, then well."""
    waiting = list(faults)

    def answer(request: httpx2.Request) -> httpx2.Response:
        kind, number = waiting.pop(0) if waiting else ("whole", SIZE)
        if kind == "status":
            return httpx2.Response(500 + number % 30)
        wanted = request.headers.get("range", "bytes=0-").removeprefix("bytes=")
        start, _, end = wanted.partition("-")
        first, last = (0, SIZE) if kind == "no ranges" else (int(start), min(SIZE, int(end or SIZE) + 1))
        partial = kind != "no ranges" and "range" in request.headers
        headers = {"content-range": f"bytes {first}-{last - 1}/{SIZE}"} if partial else {"content-length": str(SIZE)}
        return httpx2.Response(206 if partial else 200, headers=headers, stream=Cut(CONTENT[first:last], number))

    return httpx2.MockTransport(answer)


FAULTS = st.lists(
    st.tuples(st.sampled_from(["cut", "status", "no ranges"]), st.integers(0, SIZE)),
    max_size=12,
)


@given(faults=FAULTS, left=st.integers(0, SIZE + 10), segment=st.sampled_from([700, SIZE, 10**9]))
def test_any_row_of_faults_ends_with_the_file_or_with_unreachable(
    faults: list[tuple[str, int]], left: int, segment: int
) -> None:
    policy = Policy(tries=5, progress=1000, segment=segment)
    with tempfile.TemporaryDirectory() as folder, httpx2.Client(transport=server(faults)) as client:
        path = Path(folder, "partial")
        path.write_bytes((CONTENT + b"0123456789")[:left])
        transfer = Transfer(client, policy, lambda _: None)
        remote = Remote("http://hub/file", SIZE, EXPECTED)
        outcome = attempt(transfer, remote, path)
        if outcome == EXPECTED:
            assert path.read_bytes() == CONTENT
        else:
            assert outcome is Reason.UNREACHABLE
            assert len(faults) >= policy.tries
            assert CONTENT.startswith(path.read_bytes()[:SIZE])


def attempt(transfer: Transfer, remote: Remote, path: Path) -> Digest | Reason:
    try:
        return transfer.download(remote, path, lambda _: None, lambda _: WeightsError(Reason.FAILED, "refused"))
    except WeightsError as error:
        return error.reason


@given(cuts=st.lists(st.integers(0, SIZE), max_size=6))
def test_a_partial_file_taken_up_by_one_process_after_another_hashes_the_whole(cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "partial")
        for end in [*sorted(cuts), SIZE]:
            with Partial(path, SIZE, "sha256", lambda _: None) as partial:
                partial.append(CONTENT[partial.offset : end])
                seen = partial.finish()
        assert seen == EXPECTED
        assert path.read_bytes() == CONTENT


LABELS = ["Q2_K", "Q3_K_M", "Q4_0", "Q4_K_M", "Q5_K_M", "Q8_0", "F16", "UD-Q4_K_XL", "IQ4_XS"]


@given(labels=st.sets(st.sampled_from(LABELS), min_size=1), order=st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(labels: set[str], order: random.Random) -> None:
    files = [RepoFile(f"m-{label}.gguf", 1) for label in sorted(labels)]
    shuffled = files.copy()
    order.shuffle(shuffled)
    assert choose(shuffled, "", "auto", "x") == choose(files, "", "auto", "x")
    for label in labels:
        assert choose(shuffled, "", label.lower(), "x").quantization == label
