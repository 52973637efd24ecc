"""Weights behind an address of the user's own: any web server, with and without validators and hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auriga_operator.weights import digest, mismatch
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.events import Done
from support.gguf_files import tiny_gguf
from support.hub import FakeHub, Fault, sha256
from support.weights import Weights

NAME = "tiny-Q4_K_M.gguf"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf").read_bytes()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def weights(hub: FakeHub, tmp_path: Path) -> Weights:
    return Weights(hub, tmp_path / "cache")


def fetch(weights: Weights, url: str, expected: str = "") -> Done:
    return weights.fetch({"url": {"url": url, **({"sha256": expected} if expected else {})}})


def failure(weights: Weights, reason: Reason, url: str, expected: str = "") -> str:
    with pytest.raises(WeightsError) as caught:
        fetch(weights, url, expected)
    assert caught.value.reason is reason
    assert "\n" not in caught.value.message
    return caught.value.message


def bodies(hub: FakeHub) -> list[str]:
    """The ranges of the requests that asked for more than the first byte."""
    return [seen.range for seen in hub.of("storage") if seen.range != "bytes=0-0"]


def test_the_file_comes_described_with_its_hash(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    done = fetch(weights, hub.page(NAME, gguf, ETag='"1"'))
    assert Path(done.path).read_bytes() == gguf
    assert Path(done.path).name == NAME
    assert (done.artifact.sha256, done.artifact.quantization) == (sha256(gguf), "Q4_K_M")
    assert weights.resolved[0].artifact.size_bytes == weights.progress[-1].total_bytes == len(gguf)


@pytest.mark.parametrize("headers", [{"ETag": '"1"'}, {"Last_Modified": "Sat, 21 Nov 2026 08:00:00 GMT"}])
def test_a_cut_is_resumed_if_the_file_is_still_the_same(
    weights: Weights, hub: FakeHub, gguf: bytes, headers: dict[str, str]
) -> None:
    url = hub.page(NAME, gguf, **headers)
    hub.fail(NAME, Fault(cut_after=1000))
    assert Path(fetch(weights, url).path).read_bytes() == gguf
    assert bodies(hub) == ["", f"bytes=1000-{len(gguf) - 1}"]
    assert hub.of("storage")[-1].headers["if-range"] == next(iter(headers.values()))


def test_without_validator_and_hash_it_begins_again(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf)
    hub.fail(NAME, Fault(cut_after=1000))
    assert Path(fetch(weights, url).path).read_bytes() == gguf
    assert bodies(hub) == ["", ""]


def test_with_a_hash_it_is_resumed_without_validator(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf)
    hub.fail(NAME, Fault(cut_after=1000))
    fetch(weights, url, sha256(gguf))
    assert bodies(hub) == ["", f"bytes=1000-{len(gguf) - 1}"]


def test_a_file_that_changes_during_the_download_comes_in_its_new_form(
    weights: Weights, hub: FakeHub, gguf: bytes, tmp_path: Path
) -> None:
    new = tiny_gguf(tmp_path / "new.gguf", seed=8).read_bytes()
    assert len(new) == len(gguf)
    url = hub.page(NAME, gguf, ETag='"1"')
    hub.fail(NAME, Fault(cut_after=1000))
    change = weights.waits.append

    def sleep(seconds: float) -> None:
        change(seconds)
        hub.page(NAME, new, ETag='"2"')

    weights.sleep = sleep
    assert Path(fetch(weights, url).path).read_bytes() == new
    assert not list(weights.cache.rglob("*.incomplete"))


def test_the_second_run_asks_whether_it_changed_and_downloads_nothing(
    weights: Weights, hub: FakeHub, gguf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    first = fetch(weights, url)
    hub.seen.clear()
    monkeypatch.setattr(digest, "hasher", None)
    assert fetch(weights, url) == first
    assert [seen.headers.get("if-none-match") for seen in hub.seen] == ['"1"']


def test_a_date_tells_as_well_that_nothing_changed(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf, Last_Modified="Sat, 21 Nov 2026 08:00:00 GMT")
    first = fetch(weights, url)
    assert fetch(weights, url) == first
    assert len(bodies(hub)) == 1


def test_with_a_hash_the_second_run_asks_nobody(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf)
    first = fetch(weights, url, sha256(gguf))
    hub.seen.clear()
    assert fetch(weights, url, sha256(gguf).upper()) == first
    assert hub.seen == []


def test_a_changed_file_is_downloaded_anew(weights: Weights, hub: FakeHub, gguf: bytes, tmp_path: Path) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    fetch(weights, url)
    new = tiny_gguf(tmp_path / "new.gguf", context_length=4096).read_bytes()
    hub.page(NAME, new, ETag='"2"')
    assert fetch(weights, url).artifact.context_length == 4096


def test_a_server_that_is_down_does_not_stop_a_restart(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    first = fetch(weights, url)
    hub.fail(f"{NAME}?", *[Fault(status=503)] * 20)
    assert fetch(weights, url) == first
    assert len(weights.waits) == 1


def test_a_wrong_hash_names_both_and_keeps_nothing(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    message = failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    assert "0" * 64 in message
    assert sha256(gguf) in message
    assert not [path for path in weights.cache.rglob("*") if path.is_file() and path.stat().st_size > 1000]


def test_the_same_wrong_file_is_not_downloaded_for_ever(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    for _ in range(5):
        message = failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    assert len(bodies(hub)) == 2, "the first time may have been an accident on the way"
    assert "it came 2 times" in message
    assert "correct source.url.sha256" in message
    assert sha256(gguf) in message

    hub.page(NAME, gguf + b"x", ETag='"2"')
    failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    assert len(bodies(hub)) == 3, "another file is there"
    assert fetch(weights, url, sha256(gguf + b"x")).artifact.size_bytes == len(gguf) + 1


def test_a_wrong_file_is_looked_at_again_after_hours(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    url = hub.page(NAME, gguf)
    for _ in range(3):
        failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    assert len(bodies(hub)) == 2
    weights.now += mismatch.HOLD
    failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    failure(weights, Reason.HASH_MISMATCH, url, "0" * 64)
    assert len(bodies(hub)) == 3


def test_a_hash_written_later_is_held_against_the_file_that_is_here(
    weights: Weights, hub: FakeHub, gguf: bytes
) -> None:
    url = hub.page(NAME, gguf, ETag='"1"')
    fetch(weights, url)
    assert "correct source.url.sha256" in failure(weights, Reason.HASH_MISMATCH, url, "1" * 64)
    assert fetch(weights, url, sha256(gguf)).artifact.sha256 == sha256(gguf)
    assert len(bodies(hub)) == 1


def test_redirects_are_followed(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    target = hub.page(NAME, gguf, ETag='"1"')
    url = hub.page("latest.gguf", b"", Location=target)
    hub.fail(NAME, Fault(cut_after=1000))
    assert Path(fetch(weights, url).path).read_bytes() == gguf
    assert bodies(hub)[-1] == f"bytes=1000-{len(gguf) - 1}"


def test_a_circle_of_redirects_ends(weights: Weights, hub: FakeHub) -> None:
    url = f"{hub.storage_url}/pages/round.gguf"
    hub.page("round.gguf", b"", Location=url)
    assert "redirect" in failure(weights, Reason.FAILED, url)


@pytest.mark.parametrize(
    ("status", "reason", "says"),
    [(403, Reason.UNAUTHORIZED, "may have expired"), (451, Reason.FAILED, "answers with status 451")],
)
def test_a_refusal_says_what_to_do_and_hides_the_signature(
    weights: Weights, hub: FakeHub, *, status: int, reason: Reason, says: str
) -> None:
    hub.page(NAME, b"GGUF")
    hub.fail(f"{NAME}?", Fault(status=status))
    message = failure(weights, reason, f"{hub.storage_url}/pages/{NAME}?X-Amz-Signature=s3cr3t")
    assert says in message
    assert f"{hub.storage_url}/pages/{NAME}?..." in message
    assert "s3cr3t" not in message


def test_no_file_at_the_address(weights: Weights, hub: FakeHub) -> None:
    assert "check source.url.url" in failure(weights, Reason.FILE_NOT_FOUND, f"{hub.storage_url}/pages/none.gguf")


def test_the_hubs_token_is_not_for_other_servers(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    source: dict[str, Any] = {"url": {"url": hub.page(NAME, gguf)}}
    weights.fetch(source, token=hub.token)
    assert not [seen for seen in hub.seen if "authorization" in seen.headers]


def test_a_page_that_is_no_gguf(weights: Weights, hub: FakeHub) -> None:
    url = hub.page("login", b"<!doctype html><title>Log in</title>" * 10)
    assert "no GGUF file (an HTML page" in failure(weights, Reason.NOT_GGUF, url)


def test_one_part_of_several_is_refused(weights: Weights, hub: FakeHub, tmp_path: Path) -> None:
    part = tiny_gguf(tmp_path / "tiny.gguf", shards=2)
    message = failure(weights, Reason.NO_SUITABLE_FILE, hub.page(part.name, part.read_bytes()))
    assert "one of 2 parts" in message
    assert "llama-gguf-split --merge" in message
