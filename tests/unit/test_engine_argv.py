"""The command line and environment of each engine."""

from __future__ import annotations

import sys

from auriga_cli.engines.engine import argv, environment, llama_cpp_python, llama_server, unsupported, xllamacpp
from auriga_cli.engines.launch import Launch

LAUNCH = Launch("qwen", "/models/qwen.gguf", 4100, context_length=2048, parallel=4, gpu_layers=20, args=("--temp", "0"))


def after(line: list[str], flag: str) -> str:
    return line[line.index(flag) + 1]


def test_llama_server_divides_its_context_by_its_slots() -> None:
    line = argv(llama_server("/opt/llama-server"), LAUNCH)
    assert line[0] == "/opt/llama-server"
    assert after(line, "--ctx-size") == "8192"
    assert after(line, "--parallel") == "4"
    assert after(line, "--model") == "/models/qwen.gguf"
    assert after(line, "--alias") == "qwen"
    assert (after(line, "--host"), after(line, "--port")) == ("127.0.0.1", "4100")
    assert after(line, "--gpu-layers") == "20"
    assert {"--metrics", "--slots", "--jinja", "--no-webui"} <= set(line)


def test_what_the_user_adds_comes_last_and_so_wins() -> None:
    for engine in (llama_server("llama-server"), xllamacpp(), llama_cpp_python()):
        assert argv(engine, LAUNCH)[-2:] == ["--temp", "0"]


def test_nothing_is_said_of_a_gpu_unless_the_model_does() -> None:
    plain = Launch("qwen", "q.gguf", 1, context_length=512, parallel=1)
    for engine in (llama_server("llama-server"), xllamacpp(), llama_cpp_python()):
        assert not [arg for arg in argv(engine, plain) if "gpu" in arg]


def test_the_embedded_engine_is_a_python_of_its_own() -> None:
    line = argv(xllamacpp(), LAUNCH)
    assert line[:3] == [sys.executable, "-m", "auriga_cli.engines.embedded"]
    assert after(line, "--cors-origins") == "localhost"


def test_llama_cpp_python_has_one_slot_and_its_own_names() -> None:
    line = argv(llama_cpp_python(), LAUNCH)
    assert line[:3] == [sys.executable, "-m", "auriga_cli.engines.llama_cpp_server"]
    assert after(line, "--n_ctx") == "2048"
    assert after(line, "--n_gpu_layers") == "20"
    assert after(line, "--model_alias") == "qwen"
    assert "--parallel" not in line


def test_a_dedicated_embedding_model_is_served_as_one() -> None:
    launch = Launch("bge", "bge.gguf", 1, context_length=512, parallel=1, embeddings=True)
    assert "--embeddings" in argv(llama_server("llama-server"), launch)
    assert after(argv(llama_cpp_python(), launch), "--embedding") == "true"


def test_keys_of_the_users_shell_do_not_lock_the_router_out() -> None:
    shell = {"PATH": "/bin", "LLAMA_API_KEY": "k", "LLAMA_ARG_API_KEY_FILE": "f", "LLAMA_ARG_CACHE_RAM": "9"}
    env = environment(llama_server("llama-server"), shell, {"GGML_X": "1", "LLAMA_ARG_CORS_ORIGINS": "http://a"})
    assert env["PATH"] == "/bin"
    assert env["GGML_X"] == "1"
    assert "LLAMA_API_KEY" not in env
    assert "LLAMA_ARG_API_KEY_FILE" not in env
    assert env["LLAMA_ARG_CACHE_RAM"] == "1024"
    assert env["LLAMA_ARG_CORS_ORIGINS"] == "http://a", "the Model's own variables win"


def test_only_the_embedded_engine_can_refuse_an_argument_before_it_starts() -> None:
    args = ("--model-draft", "small.gguf")
    assert unsupported(llama_server("llama-server"), args) == ""
    message = unsupported(xllamacpp(), args)
    assert message.startswith("spec.engine.args: ")
    assert "--model-draft" in message
    assert "llama-server" in message


def test_how_an_engine_is_named_to_people() -> None:
    assert str(xllamacpp("2026.10")) == "xllamacpp 2026.10"
    assert str(llama_server("/usr/bin/llama-server")) == "llama-server (/usr/bin/llama-server)"
    assert llama_server("x").health == "/health"
    assert llama_cpp_python().health == "/v1/models"
