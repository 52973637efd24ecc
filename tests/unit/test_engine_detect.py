"""Which engine is chosen, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auriga_cli.engines.detect import NoEngineError, detect


def which(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name.lstrip('/')}" if name in names else None


def installed(**versions: str) -> Callable[[str], str | None]:
    return lambda module: versions.get(module.partition(".")[0])


@pytest.mark.parametrize(
    ("wanted", "on_path", "modules", "kind"),
    [
        ("auto", ("llama-server",), {"xllamacpp": "1", "llama_cpp": "2"}, "llama-server"),
        ("auto", (), {"xllamacpp": "1", "llama_cpp": "2"}, "xllamacpp"),
        ("auto", (), {"llama_cpp": "2"}, "llama-cpp-python"),
        ("xllamacpp", ("llama-server",), {"xllamacpp": "1"}, "xllamacpp"),
        ("llama-cpp-python", ("llama-server",), {"xllamacpp": "1", "llama_cpp": "2"}, "llama-cpp-python"),
        ("/opt/llama-server", ("/opt/llama-server",), {}, "llama-server"),
    ],
)
def test_the_order_of_choice(wanted: str, on_path: tuple[str, ...], modules: dict[str, str], kind: str) -> None:
    assert detect(wanted, which(*on_path), installed(**modules)).kind == kind


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("auto", "pip install 'auriga[local]'"),
        ("llama-server", "--engine"),
        ("xllamacpp", "pip install 'auriga[local]'"),
        ("llama-cpp-python", "pip install 'auriga[llama-cpp]'"),
        ("/no/such/server", "/no/such/server"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(wanted: str, message: str) -> None:
    with pytest.raises(NoEngineError, match=message.replace("[", r"\[").replace("]", r"\]")):
        detect(wanted, which(), installed())


def test_this_environment_has_the_embedded_engine() -> None:
    engine = detect("xllamacpp")
    assert engine.kind == "xllamacpp"
    assert engine.version
