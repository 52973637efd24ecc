"""Names, the list of models, health, readiness, status and metrics, as callers see them."""

from __future__ import annotations

import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from auriga_router.attempt_log import AttemptLog
from support import upstreams_scripts as scripts
from support.http_grammar import error_object
from support.http_router import chain, model, role, routing, snapshot
from support.upstreams import Upstream

DEFAULT = [model("qwen"), model("shared"), chain("coding", "qwen", synonyms=["programming", "dev"])]
OTHER = [
    model("llama", "team"),
    model("shared", "team"),
    model("twin", "team"),
    model("twin", "lab"),
    chain("coding", "llama", namespace="team"),
    chain("writing", "llama", namespace="team", role="prose"),
]
MEANING = {
    "coding": "qwen",
    "programming": "qwen",
    "dev": "qwen",
    "default/coding": "qwen",
    "default/dev": "qwen",
    "team/coding": "llama",
    "prose": "llama",
    "team/prose": "llama",
    "qwen": "qwen",
    "default/qwen": "qwen",
    "llama": "llama",
    "team/llama": "llama",
    "shared": "shared",
    "team/shared": "shared",
    "lab/twin": "twin",
}


def _state(address: str):
    objects = [*DEFAULT, *OTHER]
    keys = ("default/qwen", "default/shared", "team/llama", "team/shared", "team/twin", "lab/twin")
    return snapshot(*objects, endpoints=dict.fromkeys(keys, address))


async def test_every_name_means_what_the_design_says() -> None:
    async with Upstream(scripts.ok) as upstream, routing(_state(upstream.address)) as running:
        for name, answering in MEANING.items():
            reply = await running.chat(name)
            assert (reply.status, reply.headers.get("x-auriga-model")) == (200, answering), name
            assert upstream.visits[-1].json["model"] == answering


async def test_unknown_and_ambiguous_names_are_404_with_what_to_write_instead() -> None:
    async with routing(_state("127.0.0.1:1")) as running:
        for name, hint in {"codign": "'coding'", "twin": "lab/twin, team/twin", "writing": "", "team/qwen": ""}.items():
            reply = await running.chat(name)
            error = error_object(reply.json)
            assert (reply.status, error["code"], error["param"]) == (404, "model_not_found", "model")
            assert name in error["message"]
            assert hint in error["message"]
        assert not running.attempts


async def test_the_list_has_every_name_once_and_each_can_be_looked_up() -> None:
    async with routing(_state("127.0.0.1:1")) as running:
        listed = (await running.get("/v1/models")).json
        assert listed["object"] == "list"
        names = [entry["id"] for entry in listed["data"]]
        assert sorted(names) == sorted(
            ["coding", "programming", "dev", "team/coding", "prose", "qwen", "llama", "shared", "team/shared",
             "lab/twin", "team/twin"]
        )  # fmt: skip
        for entry in listed["data"]:
            assert (entry["object"], entry["owned_by"]) == ("model", "auriga")
            assert (await running.get(f"/v1/models/{entry['id']}")).json == entry
        assert (await running.get("/v1/models/team%2Fcoding")).status == 200
        missing = await running.get("/v1/models/nothing")
        assert (missing.status, error_object(missing.json)["code"]) == (404, "model_not_found")


async def test_readiness_says_what_is_usable() -> None:
    state = snapshot(model("m1"), model("m2"), chain("role", "m1", "m2"), chain("other", "m2"))
    async with routing(state) as running:
        assert (await running.get("/healthz")).status == 200
        reply = await running.get("/readyz")
        assert (reply.status, reply.json["ready"]) == (503, False)
        assert reply.json["roles"] == {"default/role": None, "default/other": None}
        running.router.apply(snapshot(*state.models.values(), *state.chains.values(), endpoints={"m1": "127.0.0.1:1"}))
        reply = await running.get("/readyz")
        assert (reply.status, reply.json["ready"]) == (200, True)
        assert reply.json["roles"] == {"default/role": "m1", "default/other": None}


async def test_status_tells_of_models_and_chains() -> None:
    state = snapshot(
        model("m1"),
        model("off", suspended=True),
        model("cloud", external={"provider": "openaiCompatible", "baseURL": "https://models.example/v1"}),
        chain("role", "m1", "off", "missing", "cloud", synonyms=["part"]),
        endpoints={"m1": ("127.0.0.1:1", "127.0.0.1:2")},
    )
    async with routing(state) as running:
        status = (await running.get("/status")).json
        models = {entry["name"]: entry for entry in status["models"]}
        assert [endpoint["address"] for endpoint in models["m1"]["endpoints"]] == ["127.0.0.1:1", "127.0.0.1:2"]
        assert models["off"]["reason"] == "Suspended"
        assert (models["cloud"]["locality"], models["cloud"]["phase"]) == ("Cloud", "Ready")
        (listed,) = status["roleChains"]
        assert (listed["role"], listed["synonyms"], listed["activeMember"]) == ("role", ["part"], "m1")
        reasons = {member["model"]: (member["ready"], member["reason"]) for member in listed["members"]}
        assert reasons == {
            "m1": (True, "Ready"),
            "off": (False, "Suspended"),
            "missing": (False, "ModelMissing"),
            "cloud": (True, "Ready"),
        }


async def test_a_chain_without_a_ready_member_says_why() -> None:
    state = snapshot(model("m1"), model("off", suspended=True), chain("role", "m1", "off", "missing"))
    async with routing(state) as running:
        reply = await running.chat()
        assert (reply.status, int(reply.headers["retry-after"])) == (503, 5)
        assert error_object(reply.json)["skipped"] == [
            {"member": "m1", "reason": "NoEndpoints"},
            {"member": "off", "reason": "Suspended"},
            {"member": "missing", "reason": "ModelMissing"},
        ]


async def test_metrics_count_attempts_replies_and_times() -> None:
    async with (
        Upstream(scripts.status(500)) as bad,
        Upstream(scripts.ok) as good,
        role(bad.address, good.address) as running,
    ):
        for stream in (False, True):
            await running.chat(stream=stream)
        await running.chat("m1")
        reply = await running.get("/metrics")
        assert reply.headers["content-type"].startswith("text/plain")
        samples = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(reply.body.decode())
            for sample in family.samples
        }
        assert samples["auriga_attempts_total", "ServerError", "default", "m1", "role"] == 2
        assert samples["auriga_attempts_total", "Ok", "default", "m2", "role"] == 2
        assert samples["auriga_attempts_total", "", "ServerError", "default", "m1"] == 1
        assert samples["auriga_replies_total", "200", "default", "role"] == 2
        assert samples["auriga_replies_total", "502", "default", "m1"] == 1
        assert samples["gen_ai_server_request_duration_seconds_count", "default", "m2", "role"] == 2
        assert samples["gen_ai_server_time_to_first_token_seconds_count", "default", "m2", "role"] == 1
        assert samples["auriga_endpoint_in_flight", good.address, "default", "m2"] == 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_prompts_and_keys_are_in_no_page_header_record_or_log(
    status: int, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {"default/keys": {"api": b"provider-secret"}}
    written: list[bytes] = []
    script = scripts.ok if status == 200 else scripts.status(status, body=scripts.error_body("key provider-secret"))
    async with Upstream(script) as upstream:
        external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{upstream.address}/v1"}
        provider = model("m1", external={**external, "credentialsSecretRef": {"name": "keys", "key": "api"}})
        async with routing(snapshot(provider, chain("role", "m1"), secrets=secrets)) as running:
            content = [{"role": "user", "content": "prompt-secret"}]
            reply = await running.chat(
                messages=content, stream=stream, headers="Authorization: Bearer caller-secret\r\n"
            )
            assert reply.status == (status if status in (200, 400) else 502)
            pages = [(await running.get(path)).body for path in ("/metrics", "/status", "/readyz", "/v1/models")]
            log = AttemptLog(written.append)
            for attempt in running.attempts:
                log(attempt)
            await log.flush()
    assert b"provider-secret" in upstream.visits[0].head
    assert b"caller-secret" not in upstream.visits[0].head
    assert written
    logged = "\n".join(record.getMessage() for record in caplog.records)
    told = b"".join([*pages, *written, reply.body, repr(reply.headers).encode(), logged.encode(), caplog.text.encode()])
    assert b"secret" not in told


async def test_request_ids_are_kept_if_fit_and_forwarded() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        reply = await running.chat(headers=f"X-Request-Id: mine-1\r\nTraceparent: {trace}\r\nCookie: a=b\r\n")
        visit = upstream.visits[-1]
        assert reply.headers["x-request-id"] == visit.header("x-request-id") == "mine-1"
        assert (visit.header("traceparent"), visit.header("cookie")) == (trace, None)
        for unfit in ("a b", "x" * 129, "a,b"):
            made = (await running.chat(headers=f"X-Request-Id: {unfit}\r\n")).headers["x-request-id"]
            assert made not in ("", unfit)
        assert len({attempt.request_id for attempt in running.attempts}) == 4
