"""External providers: address, key and headers, over TLS with the name checked; the caller's credentials stay here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auriga_api import Model
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
               "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
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
