"""The programs that are compared: how each is installed, configured, started. PEERS is the table."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from routerbench import programs


@dataclass(frozen=True, slots=True)
class Site:
    """Where a program is started: the program, its port, the mock's, a folder for its configuration."""

    program: Path
    port: int
    upstream: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Launch:
    """How a program is started, and the configuration it is started with (for the report)."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """How a program is measured, where it cannot be measured as all are.

    `rewrites`: it writes answers anew, so pieces are compared instead of all bytes. `held`: streams open at once for
    their memory; fewer where 1,000 take too long. For a slow one, `rounds`, and `turns` in each: the most it takes part
    in; `length`: times that of the others' slices.
    """

    rewrites: bool = False
    held: int = 1000
    rounds: int = 99
    turns: int = 99
    length: float = 1.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One program of the comparison; what `install` gives for a cache folder is `Site.program`."""

    name: str
    install: Callable[[Path], Path]
    version: Callable[[], str]
    launch: Callable[[Site], Launch]
    handling: Handling = Handling()


AURIGA_MANIFEST = """\
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: upstream}}
spec:
  external: {{provider: openaiCompatible, baseURL: "http://127.0.0.1:{upstream}/v1", model: mock-upstream}}
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {{name: mock}}
spec:
  members: [{{model: upstream}}]
"""

NGINX_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_buffer_size 1m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream mock {{
    server 127.0.0.1:{upstream};
    keepalive 1024;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""

LITELLM_CONFIGURATION = """\
model_list:
- model_name: mock
  litellm_params: {{model: openai/mock-upstream, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
"""


def auriga(site: Site) -> Launch:
    """The router as its wheel has it: compiled."""
    return _auriga(site, str(site.program))


def auriga_pure(site: Site) -> Launch:
    """The router of the checkout that holds this file, interpreted, whatever is installed beside it."""
    return _auriga(site, f"{site.program / 'crds'}:{site.program / 'router'}")


def _auriga(site: Site, modules: str) -> Launch:
    manifest = AURIGA_MANIFEST.format(upstream=site.upstream)
    file = _write(site.folder / "auriga.yaml", manifest)
    argv = (programs.python(), "-m", "auriga_router", "-f", file, "--port", str(site.port))
    return Launch(argv, {"PYTHONPATH": programs.python_path(modules)}, manifest)


def nginx(site: Site) -> Launch:
    configuration = NGINX_CONFIGURATION.format(port=site.port, upstream=site.upstream)
    file = _write(site.folder / "nginx.conf", configuration)
    argv = (str(site.program), "-p", str(site.folder), "-e", "stderr", "-c", file)
    return Launch(argv, configuration=configuration)


def vllm_router(site: Site) -> Launch:
    """Its defaults but for the log (a line a request at `info`) and the policy; one core gives it one worker thread."""
    address = ("--host", "127.0.0.1", "--port", str(site.port), "--worker-urls", f"http://127.0.0.1:{site.upstream}")
    return Launch((str(site.program), *address, "--policy", "round_robin", "--log-level", "error"))


def litellm(site: Site) -> Launch:
    """One worker process, no key (the others ask for none either), the price list from the package, not the network."""
    configuration = LITELLM_CONFIGURATION.format(upstream=site.upstream)
    file = _write(site.folder / "litellm.yaml", configuration)
    address = ("--config", file, "--host", "127.0.0.1", "--port", str(site.port), "--num_workers", "1")
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    return Launch((str(site.program), *address, "--telemetry", "False"), env, configuration)


def nginx_version() -> str:
    done = subprocess.run([programs.packaged("nginx"), "-v"], capture_output=True, text=True, check=True)
    return done.stderr.strip().rpartition("/")[2]


PEERS = (
    Peer("auriga", programs.compiled_auriga, programs.auriga_commit, auriga),
    Peer("auriga-pure", lambda _cache: programs.BENCH.parent, programs.auriga_commit, auriga_pure),
    Peer("nginx", lambda _cache: programs.packaged("nginx"), nginx_version, nginx),
    Peer(
        "vllm-router",
        partial(programs.python_program, "vllm-router"),
        partial(programs.locked_version, "vllm-router"),
        vllm_router,
    ),
    Peer(
        "litellm",
        partial(programs.python_program, "litellm"),
        partial(programs.locked_version, "litellm"),
        litellm,
        Handling(rewrites=True, held=100, rounds=1, turns=2, length=4.0),
    ),
)


def _write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
