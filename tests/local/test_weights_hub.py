"""Weights from a hub: what comes, what is asked for, and what a user reads when it does not come."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auriga_operator.weights import digest, lock, memory
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.hub import Hub, HubSettings
from auriga_operator.weights.retry import Policy
from auriga_operator.weights.store import HubCache
from support.gguf_files import tiny_gguf
from support.hub import FakeHub, Fault, sha256
from support.weights import Weights, until

FILE = "Tiny-Q4_K_M.gguf"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf").read_bytes()


@pytest.fixture
def hub(gguf: bytes) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add("org/tiny", {FILE: gguf, "Tiny-Q8_0.gguf": gguf + b"8", "README.md": b"# Tiny"})
        yield hub


@pytest.fixture
def weights(hub: FakeHub, tmp_path: Path) -> Weights:
    return Weights(hub, tmp_path / "cache")


def failure(weights: Weights, reason: Reason, **request: str) -> str:
    """The message of a fetch that must fail for ``reason``."""
    with pytest.raises(WeightsError) as caught:
        weights.from_hub(**request)
    assert caught.value.reason is reason
    assert FakeHub.token not in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.message


def test_the_file_comes_verified_and_described(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    done = weights.from_hub()
    path = Path(done.path)
    assert path.read_bytes() == gguf
    assert path.name == FILE
    artifact = done.artifact
    assert artifact.repo == "org/tiny"
    assert artifact.revision == hub.repos["org/tiny"].commit
    assert (artifact.file, artifact.sha256, artifact.size_bytes) == (FILE, sha256(gguf), len(gguf))
    assert (artifact.quantization, artifact.architecture, artifact.context_length) == ("Q4_K_M", "llama", 2048)
    assert artifact.parameters == 127808
    assert done.has_chat_template


def test_it_is_resolved_before_anything_is_downloaded_and_progress_ends_at_the_total(
    weights: Weights, gguf: bytes
) -> None:
    weights.from_hub()
    assert weights.events[0] is weights.resolved[0]
    assert weights.resolved[0].artifact.sha256 == sha256(gguf)
    assert (weights.progress[-1].bytes, weights.progress[-1].total_bytes) == (len(gguf), len(gguf))


def test_after_a_cut_only_the_rest_is_asked_for(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    at = len(gguf) * 6 // 10
    hub.fail(FILE, Fault(cut_after=at))
    weights.from_hub()
    assert [seen.range for seen in hub.of("storage")] == ["", f"bytes={at}-{len(gguf) - 1}"]
    assert weights.waits == [1.0]


def test_a_new_process_takes_up_what_an_ended_one_left(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    at = len(gguf) * 6 // 10
    hub.fail(FILE, Fault(cut_after=at), *[Fault(status=503)] * 6)
    assert "cannot be reached: status 503" in failure(weights, Reason.UNREACHABLE)
    hub.seen.clear()
    assert Path(weights.from_hub().path).read_bytes() == gguf
    assert [seen.range for seen in hub.of("storage")] == [f"bytes={at}-{len(gguf) - 1}"]
    assert min(progress.bytes for progress in weights.progress) >= at


def test_a_server_that_ignores_ranges_costs_a_new_start(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    hub.fail(FILE, Fault(cut_after=1000), Fault(ignore_range=True))
    assert Path(weights.from_hub().path).read_bytes() == gguf


def test_a_stalled_connection_is_given_up_and_resumed(hub: FakeHub, tmp_path: Path, gguf: bytes) -> None:
    weights = Weights(hub, tmp_path / "cache", stall=0.2)
    hub.fail(FILE, Fault(stall_after=70_000))
    assert Path(weights.from_hub().path).read_bytes() == gguf
    assert hub.of("storage")[1].range.startswith("bytes=70000-")


def test_tries_are_bounded_and_wait_longer_each_time(weights: Weights, hub: FakeHub) -> None:
    hub.fail(FILE, *[Fault(status=502)] * 20)
    message = failure(weights, Reason.UNREACHABLE)
    assert weights.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert "Signature" not in message


def test_a_server_may_ask_for_more_patience(weights: Weights, hub: FakeHub) -> None:
    hub.fail("api", Fault(status=429, headers={"Retry-After": "7"}), Fault(status=500))
    weights.from_hub()
    assert weights.waits == [7.0, 2.0]


def test_a_refusal_is_not_tried_again(weights: Weights, hub: FakeHub) -> None:
    hub.fail(FILE, Fault(status=403))
    failure(weights, Reason.UNAUTHORIZED)
    assert len(hub.of("storage")) == 1
    assert weights.waits == []


def test_a_wrong_hash_deletes_the_file_and_names_both(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    hub.fail(FILE, Fault(garble=True))
    message = failure(weights, Reason.HASH_MISMATCH)
    assert sha256(gguf) in message
    assert sha256(bytes(255 - byte for byte in gguf)) in message
    assert not list(weights.cache.rglob("*.incomplete"))
    assert Path(weights.from_hub().path).read_bytes() == gguf


def test_content_that_stays_wrong_is_left_where_it_is_until_the_hub_states_another_hash(
    weights: Weights, hub: FakeHub, gguf: bytes
) -> None:
    hub.fail(FILE, *[Fault(garble=True)] * 2)
    messages = [failure(weights, Reason.HASH_MISMATCH) for _ in range(4)]
    assert len(hub.of("storage")) == 2
    assert "the next try starts afresh" in messages[0]
    assert "after 6 hours" in messages[-1]
    hub.add("org/tiny", {FILE: gguf + bytes(4)})
    assert Path(weights.from_hub().path).read_bytes() == gguf + bytes(4)


def sizes(tmp_path: Path) -> dict[str, bytes]:
    """One model in three quantizations, the larger the better."""
    vocabularies = {"Q8_0": 6000, "Q4_K_M": 3000, "Q2_K": 0}
    return {
        f"fit-{label}.gguf": tiny_gguf(tmp_path / label, vocab=vocab).read_bytes()
        for label, vocab in vocabularies.items()
    }


def test_the_best_that_fits_is_chosen_by_a_header_that_was_read_in_part(
    weights: Weights, hub: FakeHub, tmp_path: Path
) -> None:
    files = sizes(tmp_path)
    hub.add("org/fit", files)
    source = {"huggingFace": {"repo": "org/fit"}}
    cache = 2 * 2 * 4 * 32 * 2048  # bytes x layers x KV heads x lengths x tokens
    room = {"gpuMemory": memory.RESERVE + len(files["fit-Q4_K_M.gguf"]) + cache, "contextLength": 2048}
    done = weights.fetch(source, ask=room)
    assert Path(done.path).name == "fit-Q4_K_M.gguf"
    assert done.artifact.vram_required == len(files["fit-Q4_K_M.gguf"]) + cache
    assert weights.resolved[0].artifact.vram_required == done.artifact.vram_required, "known before the download"
    assert [seen.range for seen in hub.of("storage")] == ["bytes=0-131071", ""]

    hub.seen.clear()
    assert weights.fetch(source, ask=room) == done
    assert not hub.of("storage"), "what is here tells its own shape"
    assert weights.fetch(source, offline=True, ask=room) == done


def test_a_header_is_read_over_a_mirror_without_sizes_and_ranges(
    weights: Weights, hub: FakeHub, tmp_path: Path
) -> None:
    files = sizes(tmp_path)
    hub.add("org/fit", files, without_metadata=True)
    hub.fail("fit-Q2_K.gguf", Fault(status=503), Fault(ignore_range=True))
    done = weights.fetch({"huggingFace": {"repo": "org/fit"}}, ask={"gpuMemory": 1 << 30, "contextLength": 64})
    assert Path(done.path).name == "fit-Q8_0.gguf"


def test_nothing_that_fits_is_said_before_anything_is_downloaded(
    weights: Weights, hub: FakeHub, tmp_path: Path
) -> None:
    hub.add("org/fit", sizes(tmp_path))
    with pytest.raises(WeightsError, match=r"fits into 1 x 769 MiB.*fit-Q2_K\.gguf, the smallest, takes") as caught:
        weights.fetch({"huggingFace": {"repo": "org/fit"}}, ask={"gpuMemory": 769 << 20})
    assert caught.value.reason is Reason.INSUFFICIENT_GPU_MEMORY
    assert [seen.range for seen in hub.of("storage")] == ["bytes=0-131071"]
    named = {"huggingFace": {"repo": "org/fit", "file": "fit-Q8_0.gguf"}}
    assert weights.fetch(named, ask={"gpuMemory": 1 << 20}).artifact.quantization == "Q8_0", "asked for by name"


def test_a_file_that_is_no_gguf_is_known_by_its_beginning(weights: Weights, hub: FakeHub) -> None:
    hub.add("org/fit", {"m-Q8_0.gguf": b"GGUF" + bytes([3, 0, 0, 0]) + bytes([255]) * 5000})
    with pytest.raises(WeightsError, match="damaged") as caught:
        weights.fetch({"huggingFace": {"repo": "org/fit"}}, ask={"gpuMemory": 1 << 30})
    assert caught.value.reason is Reason.NOT_GGUF


def test_the_second_run_downloads_and_hashes_nothing(
    weights: Weights, hub: FakeHub, gguf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = weights.from_hub()
    hub.seen.clear()
    monkeypatch.setattr(digest, "hasher", None)
    assert weights.from_hub() == first
    assert hub.of("storage") == []
    assert weights.progress[-1].bytes == len(gguf)


def test_a_file_that_was_touched_since_is_hashed_and_mended(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    path = Path(weights.from_hub().path).resolve()
    path.write_bytes(bytes(len(gguf)))
    hub.seen.clear()
    assert Path(weights.from_hub().path).read_bytes() == gguf
    assert len(hub.of("storage")) == 1


def test_a_new_commit_that_keeps_the_file_downloads_nothing(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    before = weights.from_hub()
    hub.add("org/tiny", {FILE: gguf, "README.md": b"# Better said"})
    hub.seen.clear()
    after = weights.from_hub()
    assert after.path != before.path
    assert hub.of("storage") == []


def test_the_cache_is_in_the_layout_of_the_hubs_tools(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    commit = weights.from_hub().artifact.revision
    folder = weights.cache / "hub" / "models--org--tiny"
    assert (folder / "refs" / "main").read_text() == commit
    assert (folder / "blobs" / sha256(gguf)).read_bytes() == gguf
    assert os.readlink(folder / "snapshots" / commit / FILE) == f"../../blobs/{sha256(gguf)}"


def test_what_another_tool_left_in_the_users_cache_is_used_after_one_look(
    hub: FakeHub, tmp_path: Path, gguf: bytes
) -> None:
    other = Weights(hub, tmp_path / "other")
    other.from_hub()
    hub.seen.clear()
    weights = Weights(hub, tmp_path / "cache", shared=tmp_path / "other" / "hub")
    assert Path(weights.from_hub().path).read_bytes() == gguf
    assert hub.of("storage") == []
    assert not list((weights.cache / "hub").rglob("blobs/*"))


def test_damage_in_the_users_cache_is_left_there_and_downloaded_here(hub: FakeHub, tmp_path: Path, gguf: bytes) -> None:
    other = Weights(hub, tmp_path / "other")
    damaged = Path(other.from_hub().path).resolve()
    damaged.write_bytes(bytes(len(gguf)))
    weights = Weights(hub, tmp_path / "cache", shared=tmp_path / "other" / "hub")
    assert Path(weights.from_hub().path).read_bytes() == gguf
    assert damaged.read_bytes() == bytes(len(gguf))


@pytest.mark.parametrize("shards", [2, 3])
def test_all_shards_come_and_lie_beside_each_other(weights: Weights, hub: FakeHub, tmp_path: Path, shards: int) -> None:
    first = tiny_gguf(tmp_path / "Big-Q8_0.gguf", shards=shards)
    files = {f"Q8_0/{path.name}": path.read_bytes() for path in tmp_path.glob("Big-*.gguf")}
    hub.add("org/big", files)
    done = weights.from_hub("org/big")
    assert Path(done.path).name == first.name
    assert sorted(path.name for path in Path(done.path).parent.iterdir()) == sorted(
        path.name for path in first.parent.glob("Big-*")
    )
    assert done.artifact.size_bytes == sum(len(content) for content in files.values())
    assert done.artifact.parameters == 127808
    assert weights.progress[-1].bytes == weights.progress[-1].total_bytes == done.artifact.size_bytes


def test_a_small_file_in_plain_git_is_verified_by_gits_hash(weights: Weights, hub: FakeHub) -> None:
    hub.add("org/small", {"small.gguf": b"GGUF" + bytes(100)})
    hub.fail("small.gguf", Fault(garble=True))
    assert "git-sha1:" in failure(weights, Reason.HASH_MISMATCH, repo="org/small")


def test_a_mirror_that_lists_names_only_is_asked_for_the_rest(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    hub.repos["org/tiny"].without_metadata = True
    done = weights.from_hub()
    assert (done.artifact.sha256, done.artifact.size_bytes) == (sha256(gguf), len(gguf))
    assert [seen.method for seen in hub.of("hub", "/resolve/")] == ["HEAD", "GET"]


def test_the_token_goes_to_the_hub_and_never_to_its_storage(weights: Weights, hub: FakeHub) -> None:
    hub.repos["org/tiny"].private = True
    weights.from_hub(token=hub.token)
    assert {seen.headers.get("authorization") for seen in hub.of("hub")} == {f"Bearer {hub.token}"}
    assert [seen.headers.get("authorization") for seen in hub.of("storage")] == [None]


def test_a_gated_repository_says_where_to_accept_and_where_to_put_the_token(weights: Weights, hub: FakeHub) -> None:
    hub.repos["org/tiny"].gated = True
    message = failure(weights, Reason.GATED_REPOSITORY)
    assert f"accept the license at {hub.url}/org/tiny" in message
    assert "tokenSecretRef" in message
    assert Path(weights.from_hub(token=hub.token).path).is_file()


def test_a_wrong_token_is_refused_by_name(weights: Weights, hub: FakeHub) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.from_hub(token="hf_wrong")
    assert caught.value.reason is Reason.UNAUTHORIZED
    assert "refused the token" in caught.value.message
    assert "hf_wrong" not in caught.value.message


def test_a_repository_that_is_not_there_may_be_private(weights: Weights, hub: FakeHub) -> None:
    message = failure(weights, Reason.REPOSITORY_NOT_FOUND, repo="org/nothing")
    assert f"{hub.url}/org/nothing" in message
    assert "if it is private" in message
    assert "that the token may read" in failure(weights, Reason.REPOSITORY_NOT_FOUND, repo="org/no", token=hub.token)


@pytest.mark.parametrize("repo", ["", "a b", "org/name/more", "../etc", "org/na--me"])
def test_a_name_that_is_none_is_refused_without_asking(repo: str) -> None:
    with pytest.raises(WeightsError, match=r"write source\.huggingFace\.repo"):
        Hub(HubSettings("http://127.0.0.1:1"), repo, "main", Policy(), time.sleep)


def test_a_revision_that_is_not_there(weights: Weights) -> None:
    assert "has no revision v9" in failure(weights, Reason.REVISION_NOT_FOUND, revision="v9")


@pytest.mark.parametrize("revision", ["../../x", "/etc/passwd", ""])
def test_a_revision_cannot_lead_out_of_the_cache(revision: str) -> None:
    with pytest.raises(WeightsError, match="has no revision"):
        Hub(HubSettings("http://127.0.0.1:1"), "org/tiny", revision, Policy(), time.sleep)


def test_a_file_that_is_not_there_lists_what_is(weights: Weights) -> None:
    message = failure(weights, Reason.FILE_NOT_FOUND, file="Tiny-Q5_K_M.gguf")
    assert "no GGUF file of org/tiny at main" in message
    assert "Tiny-Q4_K_M.gguf (521.0 kB), Tiny-Q8_0.gguf (521.0 kB)" in message


def test_files_that_would_lie_outside_the_cache_are_not_seen(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    hub.add("org/evil", {"../../../x-Q4_K_M.gguf": gguf, "good-Q8_0.gguf": gguf})
    assert weights.from_hub("org/evil").artifact.file == "good-Q8_0.gguf"


def test_offline_serves_from_the_cache_without_a_word(weights: Weights, hub: FakeHub) -> None:
    online = weights.from_hub()
    hub.seen.clear()
    assert weights.from_hub(offline=True) == online
    assert hub.seen == []


def test_offline_without_the_file_says_so(weights: Weights, hub: FakeHub) -> None:
    message = failure(weights, Reason.UNREACHABLE, offline="yes")
    assert "HF_HUB_OFFLINE is set and org/tiny at main is not in" in message
    assert str(weights.cache) in message
    assert hub.seen == []


def test_a_hub_that_is_down_does_not_stop_a_restart(weights: Weights, hub: FakeHub) -> None:
    before = weights.from_hub()
    hub.fail("api", *[Fault(status=503)] * 10)
    assert weights.from_hub() == before
    assert len(weights.waits) == 1


def test_something_else_behind_the_endpoint_is_told_apart(hub: FakeHub, tmp_path: Path) -> None:
    weights = Weights(hub, tmp_path)
    hub.page("api/models/org/tiny/revision/main", b"<html>Please log in</html>")
    weights.settings["endpoint"] = f"{hub.storage_url}/pages"
    assert "does not answer as a hub does" in failure(weights, Reason.UNREACHABLE)


@pytest.mark.parametrize(
    ("endpoint", "says"), [("http://127.0.0.1:1", "cannot be reached"), ("ftp://hub", "is no address")]
)
def test_no_hub_at_the_endpoint(weights: Weights, endpoint: str, says: str) -> None:
    weights.settings["endpoint"] = endpoint
    message = failure(weights, Reason.UNREACHABLE)
    assert endpoint in message
    assert says in message


def test_a_second_fetch_waits_for_the_first_and_finds_its_file(weights: Weights, hub: FakeHub, gguf: bytes) -> None:
    cache = HubCache(weights.cache / "hub")
    waited = threading.Event()
    result: list[str] = []

    def second() -> None:
        result.append(weights.from_hub().path)

    partial = cache.partial("org/tiny", sha256(gguf))
    with lock.held(cache.lock("org/tiny", sha256(gguf)), waited.set):
        partial.parent.mkdir(parents=True)
        partial.write_bytes(gguf[:1000])
        thread = threading.Thread(target=second)
        thread.start()
        until(lambda: bool(weights.progress))  # it waits, and reports what the first has so far
        assert weights.progress[-1].bytes == 1000
        partial.write_bytes(gguf)
        partial.rename(cache.blob("org/tiny", sha256(gguf)))
    thread.join(20)
    assert Path(result[0]).read_bytes() == gguf
    assert hub.of("storage") == []
