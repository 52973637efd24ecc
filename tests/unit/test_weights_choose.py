"""Which files of a repository are taken, over listings like those of real uploaders."""

from __future__ import annotations

import pytest

from auriga_operator.weights import quantization
from auriga_operator.weights.choose import Candidate, RepoFile, choose
from auriga_operator.weights.errors import Reason, WeightsError

QWEN = [f"Qwen3-8B-{label}.gguf" for label in ("BF16", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "UD-Q4_K_XL")]
SHARDS = [f"Q8_0/Big-Q8_0-{number:05}-of-00003.gguf" for number in (1, 2, 3)]


def pick(names: list[str], file: str = "", wanted: str = "auto") -> Candidate:
    files = [RepoFile(name, 1_000_000_000 + index) for index, name in enumerate(names)]
    return choose(files, file, wanted, "org/x at main")


def failure(reason: Reason, names: list[str], file: str = "", wanted: str = "auto") -> str:
    with pytest.raises(WeightsError) as caught:
        pick(names, file, wanted)
    assert caught.value.reason is reason
    return caught.value.message


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (QWEN, "Qwen3-8B-Q4_K_M.gguf"),
        (["m-Q8_0.gguf", "m-Q4_K_S.gguf", "m-Q5_K_M.gguf"], "m-Q4_K_S.gguf"),
        (["m-Q8_0.gguf", "m-Q2_K.gguf", "m-Q5_K_M.gguf"], "m-Q5_K_M.gguf"),
        (["m-f16.gguf", "m.Q8_0.gguf"], "m.Q8_0.gguf"),
        (["m-F32.gguf", "m-bf16.gguf"], "m-bf16.gguf"),
        (["gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b-F16.gguf"], "gpt-oss-20b-mxfp4.gguf"),
        (["m.i1-IQ4_XS.gguf", "m.i1-IQ1_S.gguf"], "m.i1-IQ4_XS.gguf"),
        (["model.gguf", "README.md", "config.json"], "model.gguf"),
        (["mmproj-model-f16.gguf", "gemma-Q8_0.gguf"], "gemma-Q8_0.gguf"),
        (["imatrix_unsloth.gguf", "m-UD-Q2_K_XL.gguf"], "m-UD-Q2_K_XL.gguf"),
        ([*SHARDS, "Q2_K/Big-Q2_K.gguf"], SHARDS[0]),
        (["q4_k_m/m-00001-of-00002.gguf", "q4_k_m/m-00002-of-00002.gguf"], "q4_k_m/m-00001-of-00002.gguf"),
    ],
)
def test_auto_takes_the_default_first_then_what_is_nearest(names: list[str], taken: str) -> None:
    assert pick(names).name == taken


def test_all_shards_are_taken_in_their_order() -> None:
    chosen = pick([SHARDS[2], "README.md", SHARDS[0], SHARDS[1]])
    assert [file.path for file in chosen.files] == SHARDS
    assert (chosen.shards, chosen.quantization, chosen.size) == (3, "Q8_0", 3_000_000_005)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [("Q6_K", "Qwen3-8B-Q6_K.gguf"), ("q8_0", "Qwen3-8B-Q8_0.gguf"), ("Q4_K_XL", "Qwen3-8B-UD-Q4_K_XL.gguf")],
)
def test_a_quantization_by_name(wanted: str, taken: str) -> None:
    assert pick(QWEN, wanted=wanted).name == taken


def test_the_plain_quantization_goes_before_its_dynamic_sister() -> None:
    names = ["m-UD-Q4_K_M.gguf", "m-Q4_K_M.gguf"]
    assert pick(names, wanted="Q4_K_M").name == "m-Q4_K_M.gguf"
    assert pick(names, wanted="UD-Q4_K_M").name == "m-UD-Q4_K_M.gguf"


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("Qwen3-8B-Q8_0.gguf", "Qwen3-8B-Q8_0.gguf"),
        ("*Q5_K_M*", "Qwen3-8B-Q5_K_M.gguf"),
        ("*-q[68]_*", "Qwen3-8B-Q6_K.gguf"),
        ("*.gguf", "Qwen3-8B-Q4_K_M.gguf"),
    ],
)
def test_a_file_by_name_or_pattern(file: str, taken: str) -> None:
    assert pick(QWEN, file).name == taken


def test_a_pattern_may_name_a_folder_or_one_shard() -> None:
    names = [*SHARDS, "Q2_K/Big-Q2_K.gguf"]
    assert pick(names, "Q2_K/*").name == "Q2_K/Big-Q2_K.gguf"
    assert pick(names, SHARDS[1]).name == SHARDS[0]


def test_a_name_and_another_quantization_contradict() -> None:
    message = failure(Reason.NO_SUITABLE_FILE, QWEN, "Qwen3-8B-Q8_0.gguf", "Q4_K_M")
    assert message == ("no GGUF file of org/x at main has quantization Q4_K_M; there are: Qwen3-8B-Q8_0.gguf (1.0 GB)")


def test_the_same_model_stored_twice_is_no_question() -> None:
    names = ["split/m-Q4_K_M-00001-of-00002.gguf", "split/m-Q4_K_M-00002-of-00002.gguf", "m-Q4_K_M.gguf"]
    assert pick(names).name == "m-Q4_K_M.gguf"


def test_two_models_in_one_repository_are_a_question_for_the_user() -> None:
    message = failure(Reason.NO_SUITABLE_FILE, ["a-Q4_K_M.gguf", "b-Q4_K_M.gguf", "b-Q8_0.gguf"])
    assert "holds several models that fit; set source.huggingFace.file to one of: a-Q4_K_M.gguf" in message
    assert "Q8_0" not in message


def test_what_nothing_fits_is_answered_with_what_is_there() -> None:
    assert "Qwen3-8B-BF16.gguf (1.0 GB), " in failure(Reason.FILE_NOT_FOUND, QWEN, "*IQ2*")
    assert "has quantization IQ1_S; there are: " in failure(Reason.NO_SUITABLE_FILE, QWEN, wanted="IQ1_S")


def test_a_long_list_is_cut() -> None:
    message = failure(Reason.FILE_NOT_FOUND, [f"m{number:02}.gguf" for number in range(30)], "x")
    assert "m19.gguf" in message
    assert message.endswith("and 10 more")


def test_a_projector_is_never_weights() -> None:
    message = failure(Reason.NO_SUITABLE_FILE, ["mmproj-F16.gguf", "m-Q8_0.gguf"], "mmproj-F16.gguf")
    assert "is no weights" in message
    assert "m-Q8_0.gguf" in message
    failure(Reason.NO_SUITABLE_FILE, ["mmproj-F16.gguf"])


def test_a_repository_without_gguf_says_what_kind_it_is() -> None:
    message = failure(Reason.NO_SUITABLE_FILE, ["config.json", "model.safetensors"])
    assert "its files end in .json, .safetensors" in message
    assert "-GGUF" in message
    assert "holds no files" in failure(Reason.NO_SUITABLE_FILE, [])


def test_a_missing_shard_is_named_and_auto_avoids_it() -> None:
    broken = ["m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf"]
    assert pick(broken).name == "m-Q8_0.gguf"
    assert "has 2 parts, and part 2 is not there" in failure(Reason.NO_SUITABLE_FILE, broken, "*Q4_K_M*")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Meta-Llama-3-8B-Instruct.Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2-7b-instruct-fp16.gguf", "F16"),
        ("m-Q4_K_M-imat.gguf", "Q4_K_M"),
        ("BF16/Qwen3-235B-A22B-00001-of-00010.gguf", "BF16"),
        ("m-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"),
        ("m-TQ1_0.gguf", "TQ1_0"),
        ("FQ8_0x.gguf", ""),
        ("model.gguf", ""),
    ],
)
def test_the_quantization_in_a_name(path: str, label: str) -> None:
    assert quantization.of_file(path) == label
