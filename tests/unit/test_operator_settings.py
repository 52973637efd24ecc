"""Settings: flag, else environment, else default."""

from __future__ import annotations

import pytest

from auriga_operator.settings import Settings, parse


def test_defaults() -> None:
    assert parse([], {}) == Settings()


def test_a_flag_wins_over_the_environment_which_wins_over_the_default() -> None:
    environ = {"AURIGA_DRAIN": "60", "AURIGA_WORKERS": "3", "AURIGA_NAMESPACES": ""}
    settings = parse(["--drain", "90"], environ)
    assert (settings.drain, settings.workers, settings.namespaces) == (90, 3, ())


def test_lists_and_pairs() -> None:
    argv = ["--namespaces", "a, b", "--engine-images", "cpu=x/y:1,cuda=z:2", "--engine-args=--mlock,--threads,4"]
    settings = parse(argv, {})
    assert settings.namespaces == ("a", "b")
    assert settings.engine_images == {"cpu": "x/y:1", "cuda": "z:2"}
    assert settings.engine_args == ("--mlock", "--threads", "4")


def test_the_way_to_the_hub_is_passed_on_and_nothing_else() -> None:
    settings = parse([], {"HF_ENDPOINT": "http://mirror", "HTTPS_PROXY": "http://proxy", "HF_TOKEN": "secret"})
    assert settings.passed_on == {"HF_ENDPOINT": "http://mirror", "HTTPS_PROXY": "http://proxy"}


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--drain", "soon"], "--drain"),
        (["--weights-access-mode", "ReadOnly"], "ReadWriteMany"),
        (["--engine-images", "cpu"], "name=value"),
        (["--router-service", "auriga-router"], "namespace/name"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_input_ends_with_what_is_wrong(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv, {})
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_environment_is_checked_too() -> None:
    with pytest.raises(SystemExit):
        parse([], {"AURIGA_WORKERS": "many"})
