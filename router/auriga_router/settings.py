"""The router's settings: a flag, else an ``AURIGA_*`` environment variable, else the default.

The fields below are the whole table: ``body_limit`` is ``--body-limit`` and ``AURIGA_BODY_LIMIT``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

_T = TypeVar("_T")


def _setting(default: _T, text: str) -> _T:
    value: _T = field(default=default, metadata={"help": text})
    return value


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """What can be set of a router, wherever it runs. Sizes in bytes, times in seconds."""

    default_namespace: str = _setting("default", "the namespace whose names callers may send without a prefix")
    body_limit: int = _setting(32 * 1024 * 1024, "bytes of the largest request")
    answer_limit: int = _setting(64 * 1024 * 1024, "bytes of the largest answer that is not streamed; it is held whole")
    ca_file: str = _setting("", "PEM file of authorities that providers' certificates may have, besides the system's")
    cors_origins: str = _setting("", "origins whose web pages may ask, separated by commas; * for all, none if empty")
    hold_limit: int = _setting(1024 * 1024, "bytes that a stream may send before it says something")
    keep_alive: float = _setting(10.0, "seconds between two words to a stream's caller while its Model starts")
    load_token_file: str = _setting("", "file with the token that whoever follows /load must send; no /load if empty")


@dataclass(frozen=True, slots=True)
class ProcessSettings(RouterSettings):
    """What can be set of ``python -m auriga_router``."""

    file: str = _setting("", "manifests: files or directories, separated by commas")
    kubernetes: bool = _setting(False, "follow a cluster; so it does, too, in a pod or with KUBECONFIG, without --file")
    namespaces: str = _setting("", "namespaces of the cluster to follow, separated by commas; all if empty")
    resync: float = _setting(300.0, "seconds between two full lists of the cluster's objects")
    state: str = _setting("", "folder that keeps the last snapshot for a restart while there is no API server")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8080, "port to listen on")
    workers: int = _setting(1, "processes that serve the port together (Linux); one that dies is started again")
    drain: float = _setting(30.0, "seconds that requests under way get to finish after SIGTERM")
    log_attempts: bool = _setting(True, "write one JSON line for each attempt to standard output")


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> ProcessSettings:
    """The settings of this process. Exits with status 2 and one line if they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m auriga_router", description=__doc__.partition("\n")[0])
    for setting in fields(ProcessSettings):
        flag = f"--{setting.name.replace('_', '-')}"
        variable = f"AURIGA_{setting.name.upper()}"
        switch: dict[str, Any] = {"nargs": "?", "const": True} if isinstance(setting.default, bool) else {}
        parser.add_argument(
            *(("-f", flag) if setting.name == "file" else (flag,)),
            type=_flag if isinstance(setting.default, bool) else type(setting.default),
            default=environment.get(variable) or setting.default,
            metavar=setting.name.rpartition("_")[2].upper(),
            help=f"{setting.metadata['help']} [{variable}; {setting.default}]",
            **switch,
        )
    return ProcessSettings(**vars(parser.parse_args(arguments)))


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError("write true or false")
    return text.lower() == "true"
