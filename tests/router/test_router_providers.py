"""External providers: address, key and headers, over TLS with the name checked; the caller's credentials stay here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from auriga_api import Model
from auriga_router.router import Router
from auriga_router.settings import RouterSettings
from support import upstreams_scripts as scripts
from support.http_grammar import error_object
from support.http_router import chain, model, routing, snapshot
from support.upstreams import Upstream

SECRETS = {"default/keys": {"api": b"sk-provider\n"}}
REFERENCE = {"name": "keys", "key": "api"}


def provider(name: str = "cloud", **external: object) -> Model:
    return model(name, external={"provider": "openaiCompatible", **external})


async def test_path_model_key_and_headers_are_the_models_own() -> None:
    async with Upstream(scripts.ok) as upstream:
        cloud = provider(
            baseURL=f"http://{upstream.address}/prefix/v1/",
            model="vendor/model-1",
            credentialsSecretRef=REFERENCE,
            headers={"X-Org": "us"},
        )
        async with routing(snapshot(cloud, chain("role", "cloud"), secrets=SECRETS)) as running:
            reply = await running.chat(headers="Authorization: Bearer sk-caller\r\nX-Api-Key: sk-caller\r\n")
            visit = upstream.visits[0]
            assert visit.head.startswith(b"POST /prefix/v1/chat/completions HTTP/1.1\r\n")
            assert visit.json["model"] == "vendor/model-1"
            assert visit.header("authorization") == "Bearer sk-provider"
            assert (visit.header("x-org"), visit.header("host")) == ("us", upstream.address)
            assert b"sk-caller" not in visit.head
            assert b"sk-provider" not in reply.body + repr(reply.headers).encode()
            assert reply.headers["x-auriga-model"] == "cloud"


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_provider_that_repeats_our_headers_tells_the_caller_no_key(code: int) -> None:
    body = scripts.error_body("bad request with authorization: Bearer sk-provider")
    async with Upstream(scripts.status(code, body=body)) as upstream:
        cloud = provider(baseURL=f"http://{upstream.address}/v1", credentialsSecretRef=REFERENCE)
        async with routing(snapshot(cloud, secrets=SECRETS)) as running:
            reply = await running.chat("cloud")
            assert reply.status == code
            assert reply.json["error"]["message"] == "bad request with authorization: Bearer [key removed]"


async def test_an_empty_account_is_not_the_callers_mistake() -> None:
    async with Upstream(scripts.status(402)) as broke, Upstream(scripts.ok) as good:
        cloud = provider(baseURL=f"http://{broke.address}/v1", credentialsSecretRef=REFERENCE)
        other = provider("other", baseURL=f"http://{good.address}/v1")
        async with routing(snapshot(cloud, other, chain("role", "cloud", "other"), secrets=SECRETS)) as running:
            reply = await running.chat()
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "other")
            assert running.outcomes == [("cloud", "Unauthorized"), ("other", "Ok")]


async def test_ollama_is_asked_under_v1() -> None:
    async with Upstream(scripts.ok) as upstream:
        cloud = model("local", external={"provider": "ollama", "baseURL": f"http://{upstream.address}"})
        async with routing(snapshot(cloud)) as running:
            assert (await running.chat("local")).status == 200
            assert upstream.visits[0].head.startswith(b"POST /v1/chat/completions ")


async def test_a_rotated_key_is_used_at_once() -> None:
    async with Upstream(scripts.ok) as upstream:
        cloud = provider(baseURL=f"http://{upstream.address}/v1", credentialsSecretRef=REFERENCE)
        async with routing(snapshot(cloud, secrets=SECRETS)) as running:
            await running.chat("cloud")
            running.router.apply(snapshot(cloud, secrets={"default/keys": {"api": b"sk-new"}}))
            await running.chat("cloud")
            assert [visit.header("authorization") for visit in upstream.visits] == [
                "Bearer sk-provider",
                "Bearer sk-new",
            ]


@pytest.mark.parametrize(
    ("external", "reason"),
    [
        ({"credentialsSecretRef": {"name": "nothing", "key": "api"}}, "SecretMissing"),
        ({"credentialsSecretRef": {"name": "keys", "key": "nothing"}}, "SecretKeyMissing"),
    ],
)
async def test_a_provider_that_cannot_be_used_says_why_and_the_next_member_answers(
    external: dict[str, object], reason: str
) -> None:
    async with Upstream(scripts.ok) as upstream:
        cloud = provider(**{"baseURL": "https://models.example/v1", "credentialsSecretRef": REFERENCE, **external})
        state = snapshot(
            cloud, model("m1"), chain("role", "cloud", "m1"), endpoints={"m1": upstream.address}, secrets=SECRETS
        )
        async with routing(state) as running:
            assert (await running.chat()).headers["x-auriga-attempts"] == "m1"
            member = (await running.get("/status")).json["roleChains"][0]["members"][0]
            assert (member["ready"], member["reason"]) == (False, reason)
            error = error_object((await running.chat("cloud")).json)
            assert error["skipped"] == [{"member": "cloud", "reason": reason}]


@pytest.fixture
async def tls_upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Upstream, list[str]]]:
    """An endpoint with a certificate for localhost by an authority that the router's system roots hold."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:models.invalid",
               "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    asked: list[str] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    upstream = Upstream(scripts.ok)
    upstream.tls = context
    async with upstream:
        yield upstream, asked


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_over_tls_with_the_name_sent_and_checked(tls_upstream: tuple[Upstream, list[str]], stream: bool) -> None:
    upstream, asked = tls_upstream
    port = upstream.address.rpartition(":")[2]
    good = provider(baseURL=f"https://localhost:{port}/v1")
    wrong = provider("wrong", baseURL=f"https://127.0.0.1:{port}/v1")
    async with routing(snapshot(good, wrong, chain("role", "wrong", "cloud"))) as running:
        for _ in range(3):
            reply = await running.chat(stream=stream)
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "cloud")
        assert running.outcomes[:2] == [("wrong", "Connect"), ("cloud", "Ok")]
        assert asked.count("localhost") == 1  # one connection, used again
        assert upstream.visits[0].header("host") == f"localhost:{port}"


async def test_an_unknown_authority_is_not_trusted(tls_upstream: tuple[Upstream, list[str]], monkeypatch) -> None:
    upstream, _ = tls_upstream
    monkeypatch.delenv("SSL_CERT_FILE")
    port = upstream.address.rpartition(":")[2]
    async with routing(snapshot(provider(baseURL=f"https://localhost:{port}/v1"))) as running:
        assert (await running.chat("cloud")).status == 502
        assert running.outcomes == [("cloud", "Connect")]
        assert not upstream.visits


async def test_an_endpoint_without_tls_behind_https_is_a_failed_connection() -> None:
    async with Upstream(scripts.ok) as upstream:
        port = upstream.address.rpartition(":")[2]
        async with routing(snapshot(provider(baseURL=f"https://localhost:{port}/v1"))) as running:
            assert (await running.chat("cloud")).status == 502
            assert running.outcomes == [("cloud", "Connect")]


async def test_a_name_that_does_not_exist_is_a_failed_connection() -> None:
    async with routing(snapshot(provider(baseURL="http://name.invalid/v1"))) as running:
        assert (await running.chat("cloud")).status == 502
        assert running.outcomes == [("cloud", "Connect")]


async def test_a_ca_file_is_trusted_besides_the_systems_own(
    tls_upstream: tuple[Upstream, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, _ = tls_upstream
    authority = os.environ["SSL_CERT_FILE"]
    monkeypatch.delenv("SSL_CERT_FILE")
    port = upstream.address.rpartition(":")[2]
    state = snapshot(provider(baseURL=f"https://localhost:{port}/v1"))
    async with routing(state, RouterSettings(ca_file=authority)) as running:
        assert (await running.chat("cloud")).status == 200
    with pytest.raises(OSError, match="No such file"):
        Router(RouterSettings(ca_file="/nowhere.pem"))


class Proxy:
    """An HTTP proxy that leads every tunnel to one address."""

    def __init__(self, leads_to: str, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._where = leads_to.split(":")
        self._answer = answer
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answer)
        there, back = await asyncio.open_connection(*self._where)
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


@asynccontextmanager
async def proxied(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, login: str = "") -> AsyncIterator[None]:
    """The environment names this proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    where = f"http://{login}127.0.0.1:{server.sockets[0].getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", where)
    monkeypatch.setenv("HTTP_PROXY", where)
    try:
        yield
    finally:
        server.close()


async def test_a_provider_beyond_a_proxy_is_reached_by_a_tunnel(
    tls_upstream: tuple[Upstream, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, names = tls_upstream
    proxy = Proxy(upstream.address)
    async with proxied(proxy, monkeypatch, "user:p%40ss@"):
        port = upstream.address.rpartition(":")[2]
        there = provider(baseURL="https://models.invalid:8443/v1")
        other = provider("other", baseURL="https://other.invalid/v1")  # a name that the certificate does not have
        near = provider("near", baseURL=f"https://localhost:{port}/v1")
        async with routing(snapshot(there, near, other)) as running:
            for stream in (False, True):
                assert (await running.chat("cloud", stream=stream)).status == 200
            head = proxy.asked[0].split(b"\r\n")
            assert head[0] == b"CONNECT models.invalid:8443 HTTP/1.1"
            assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in head
            assert (await running.chat("other")).status == 502
            assert (await running.chat("near")).status == 200  # loopback is never behind a proxy
            assert len(proxy.asked) == 2
            assert names == ["models.invalid", "other.invalid", "localhost"]


async def test_tunnels_are_used_again_and_not_for_whom_the_environment_excepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Upstream(scripts.ok) as upstream:
        proxy = Proxy(upstream.address)
        async with proxied(proxy, monkeypatch):
            monkeypatch.setenv("NO_PROXY", "excepted.invalid")
            there = provider(baseURL="http://models.invalid:8000/v1")
            excepted = provider("excepted", baseURL="http://excepted.invalid/v1")
            served = model("m1")
            state = snapshot(there, excepted, served, endpoints={"m1": upstream.address})
            async with routing(state) as running:
                for stream in (False, True, False):
                    reply = await running.chat("cloud", stream=stream)
                    assert (reply.status, reply.whole) == (200, True)
                assert (len(proxy.asked), upstream.visits[0].header("host")) == (1, "models.invalid:8000")
                assert (await running.chat("excepted")).status == 502
                assert (await running.chat("m1")).status == 200
                assert len(proxy.asked) == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"HTTP/1.1 407 X\r\n\r\n", b"odd\r\n\r\n"])
async def test_a_proxy_that_refuses_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    async with (
        Upstream(scripts.ok) as upstream,
        proxied(Proxy(upstream.address, answer), monkeypatch),
        routing(snapshot(provider(baseURL="http://models.invalid/v1"))) as running,
    ):
        assert (await running.chat("cloud")).status == 502
        assert running.outcomes == [("cloud", "Connect")]
        assert not upstream.visits
