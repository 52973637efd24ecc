"""The best quantization that fits into the GPUs: a table of repositories, GPUs and contexts, worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_operator.weights import memory, quantization
from auriga_operator.weights.choose import Candidate, RepoFile, variants
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.fit import Need, best
from auriga_operator.weights.gguf_header import Header
from auriga_operator.weights.memory import Room

GIB = 1 << 30
SIZES = {
    "Q2_K": 3_281_732_608, "Q3_K_M": 4_124_161_024, "Q4_K_M": 5_027_783_488, "Q5_K_M": 5_851_112_448,
    "Q6_K": 6_725_899_264, "Q8_0": 8_709_518_112, "BF16": 16_388_042_848,
}  # fmt: skip
"""Qwen3-8B as its makers publish it."""
QWEN3_8B = Header(
    architecture="qwen3", name="Qwen3 8B", quantization="Q4_K_M", context_length=40960, parameters=8_190_735_360,
    block_count=36, embedding_length=4096, head_count=32, head_count_kv=(8,), key_length=128, value_length=128,
    chat_template="", shards=1, bytes_needed=0,
)  # fmt: skip
"""147,456 bytes of KV cache a token: 1.125 GiB for 8,192."""


def repository(*labels: str, stem: str = "Qwen3-8B") -> list[RepoFile]:
    return [RepoFile(f"{stem}-{label}.gguf", SIZES[label]) for label in labels or SIZES]


def need(each: float, gpus: int = 1, context: int | None = 8192, parallel: int = 1) -> Need:
    return Need(Room(int(each * GIB), gpus), context, parallel)


def chosen(wanted: Need, *labels: str) -> str:
    return best(variants(repository(*labels), "", "org/x"), QWEN3_8B, wanted, "org/x").quantization


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (need(80), "Q8_0"),  # 16 bits would fit, and make nothing better
        (need(10.0), "Q8_0"),  # 8.11 + 1.13 + 0.75 = 9.99 GiB
        (need(9.95), "Q6_K"),
        (need(8.2), "Q6_K"),  # 6.26 + 1.13 + 0.75 = 8.14 GiB
        (need(8), "Q5_K_M"),
        (need(6), "Q3_K_M"),
        (need(5), "Q2_K"),
        (need(12, parallel=4), "Q6_K"),  # four slots: 4.5 GiB of KV cache
        (need(12, context=32768), "Q6_K"),  # the same tokens in one
        (need(12, context=None), "Q5_K_M"),  # what it was trained on: 5.63 GiB
        (need(8, gpus=2), "Q8_0"),
        (need(4, gpus=2), "Q4_K_M"),  # each GPU keeps its own buffers
    ],
)
def test_the_best_that_fits_with_its_cache(wanted: Need, taken: str) -> None:
    assert chosen(wanted) == taken


def test_sixteen_bits_only_where_there_is_nothing_else() -> None:
    assert chosen(need(24), "BF16") == "BF16"
    assert chosen(need(24), "BF16", "Q2_K") == "Q2_K"


def test_nothing_that_fits_says_what_is_short_and_what_would_help() -> None:
    with pytest.raises(WeightsError) as caught:
        chosen(need(6, context=40960, parallel=2))
    assert caught.value.reason is Reason.INSUFFICIENT_GPU_MEMORY
    assert caught.value.message == (
        "no file of org/x fits into 1 x 6.0 GiB: Qwen3-8B-Q2_K.gguf, the smallest, takes 3.1 GiB weights + 11.2 GiB KV "
        "cache (36 layers x 8 KV heads x (128 + 128) x 2 bytes x 40960 tokens x 2 slots) = 14.3 GiB, and 768 MiB are "
        "left for compute buffers: 9.1 GiB are short: lower spec.engine.contextLength from 40960 to 7936, or lower "
        "spec.engine.parallel (2), or ask for more GPUs in spec.resources.limits, or larger ones with their "
        "spec.gpuMemory, or choose a smaller model"
    )


def test_a_shorter_context_is_no_advice_where_the_weights_alone_are_too_large() -> None:
    with pytest.raises(WeightsError) as caught:
        chosen(need(2))
    assert "contextLength" not in caught.value.message
    assert "parallel" not in caught.value.message


def test_the_advised_context_fits() -> None:
    with pytest.raises(WeightsError, match="from 40960 to 7936"):
        chosen(need(6, context=40960, parallel=2))
    assert chosen(need(6, context=7936, parallel=2)) == "Q2_K"


@given(
    each=st.floats(0.3, 40), gpus=st.integers(1, 4), context=st.integers(256, 65536), parallel=st.integers(1, 8),
    labels=st.sets(st.sampled_from(sorted(SIZES)), min_size=1),
)  # fmt: skip
def test_what_is_taken_fits_and_nothing_better_does(
    each: float, gpus: int, context: int, parallel: int, labels: set[str]
) -> None:
    wanted = need(each, gpus, context, parallel)
    candidates = variants(repository(*sorted(labels)), "", "org/x")
    fitting = [one for one in candidates if wanted.of(QWEN3_8B, one).total + wanted.room.reserve <= each * GIB * gpus]
    try:
        taken = best(candidates, QWEN3_8B, wanted, "org/x")
    except WeightsError:
        assert not [one for one in fitting if wanted.of(QWEN3_8B, one).total < wanted.room.usable]
    else:
        assert taken.quantization == min(
            (one.quantization for one in candidates if wanted.of(QWEN3_8B, one).total <= wanted.room.usable),
            key=quantization.quality,
        )


@pytest.mark.parametrize(
    ("names", "pattern", "left"),
    [
        (["m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-f16.gguf", "README.md"], "", ["m-Q4_K_M.gguf", "m-Q8_0.gguf"]),
        (["m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-UD-Q4_K_XL.gguf"], "*Q4*", ["m-Q4_K_M.gguf", "m-UD-Q4_K_XL.gguf"]),
        (["Q8_0/m-00001-of-00002.gguf", "Q2_K/m-Q2_K.gguf"], "", ["Q2_K/m-Q2_K.gguf"]),
        (["m.i1-IQ4_XS.gguf", "m.i1-IQ1_S.gguf"], "", ["m.i1-IQ1_S.gguf", "m.i1-IQ4_XS.gguf"]),
    ],
)
def test_only_whole_quantizations_of_one_model_are_compared(names: list[str], pattern: str, left: list[str]) -> None:
    assert [each.name for each in variants([RepoFile(name, 1) for name in names], pattern, "x")] == left


def test_of_several_models_none_is_guessed() -> None:
    files = [RepoFile(f"{stem}-{label}.gguf", 1) for stem in ("small-1b", "large-7b") for label in ("Q4_K_M", "Q8_0")]
    with pytest.raises(WeightsError, match=r"several models .* set source\.huggingFace\.file"):
        variants(files, "", "org/x")
    assert len(variants(files, "small-*", "org/x")) == 2


def test_every_quantization_that_has_a_default_place_has_one_by_quality_too() -> None:
    unknown = [label for label in quantization._PREFERENCE if quantization.quality(label) == len(quantization._QUALITY)]
    assert unknown == []


def test_the_arithmetic_of_what_was_taken_adds_up() -> None:
    taken = Candidate((RepoFile("q", SIZES["Q6_K"]),), 1, "Q6_K")
    wanted = need(8.2)
    estimate = wanted.of(QWEN3_8B, taken)
    assert memory.fitted(taken.size, estimate.total, 8192, 1, wanted.room) == (
        "the best that fits into 1 x 8.2 GiB: 6.3 GiB weights + 1.1 GiB KV cache (8192 tokens x 1 slot) + 768 MiB for "
        "compute buffers = 8.1 GiB"
    )
