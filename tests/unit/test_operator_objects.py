"""The manifests of what a served Model owns."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_operator import labels
from auriga_operator.images import IMAGES, engine_image
from auriga_operator.objects import engine, fetching
from auriga_operator.objects.deployment import deployment
from auriga_operator.objects.names import child, weights_job
from auriga_operator.objects.service import budget, service
from auriga_operator.objects.weights import identity
from auriga_operator.resources import Object
from auriga_operator.settings import Settings
from support.operator_world import HUB, a_model

SETTINGS = Settings(image="auriga:1")


def made(
    *, path: str = "", context: int = 0, volumes: bool = False, settings: Settings = SETTINGS, **spec: Any
) -> Object:
    return deployment(a_model(**spec), path, context, replicas=1, yielding=0, image_volumes=volumes, settings=settings)


def pod(item: Object) -> Object:
    return dict(item["spec"]["template"]["spec"])


def argument(item: Object, flag: str) -> str:
    arguments = pod(item)["containers"][0]["args"]
    return str(arguments[arguments.index(flag) + 1])


def test_llama_server_gets_what_the_model_says() -> None:
    item = made(engine={"contextLength": 4096, "parallel": 8, "gpuLayers": 20, "args": ["--temp", "0.7"]})
    assert argument(item, "--model") == "/weights/m.gguf"
    assert argument(item, "--alias") == "m"
    assert argument(item, "--ctx-size") == "32768"
    assert argument(item, "--gpu-layers") == "20"
    assert pod(item)["containers"][0]["args"][-2:] == ["--temp", "0.7"]


@pytest.mark.parametrize(
    ("asked", "trained", "tokens"), [(None, 0, 8192), (None, 40960, 8192), (None, 2048, 2048), (100_000, 2048, 100_000)]
)
def test_context_is_as_written_else_as_trained_up_to_a_bound(asked: int | None, trained: int, tokens: int) -> None:
    model = a_model(engine={"contextLength": asked} if asked else {})
    assert engine.context_length(model, trained) == tokens


def test_arguments_for_every_engine_come_before_those_of_the_model() -> None:
    item = made(engine={"args": ["--own"]}, settings=Settings(engine_args=("--all",)))
    assert pod(item)["containers"][0]["args"][-2:] == ["--all", "--own"]


def test_a_model_for_embeddings_alone_is_told_so() -> None:
    assert "--embeddings" in pod(made(capabilities=["embeddings"]))["containers"][0]["args"]
    assert "--embeddings" not in pod(made())["containers"][0]["args"]


def test_own_variables_win_over_ours() -> None:
    env = pod(made(engine={"env": [{"name": "LLAMA_ARG_CACHE_RAM", "value": "0"}]}))["containers"][0]["env"]
    assert [each["value"] for each in env if each["name"] == "LLAMA_ARG_CACHE_RAM"] == ["0"]


@pytest.mark.parametrize(
    ("resource", "image"),
    [
        ({}, "cpu"),
        ({"cpu": "4", "hugepages-2Mi": "1Gi"}, "cpu"),
        ({"nvidia.com/gpu": 1}, "cuda"),
        ({"nvidia.com/mig-1g.10gb": 1}, "cuda"),
        ({"amd.com/gpu": 2}, "rocm"),
        ({"gpu.intel.com/xe": 1}, "vulkan"),
        ({"example.com/npu": 1}, "vulkan"),
    ],
)
def test_the_device_decides_the_image(resource: dict[str, object], image: str) -> None:
    assert pod(made(resources={"limits": resource}))["containers"][0]["image"] == IMAGES[image]  # type: ignore[index]
    assert engine_image(resource, {image: "mine:1"}) == "mine:1"


def test_an_image_of_the_model_wins_over_the_table() -> None:
    assert pod(made(engine={"image": "mine:2"}))["containers"][0]["image"] == "mine:2"


def test_pods_ask_for_no_rights() -> None:
    spec = pod(made())
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    container = spec["containers"][0]["securityContext"]
    assert (container["allowPrivilegeEscalation"], container["capabilities"]) == (False, {"drop": ["ALL"]})


def test_a_start_may_take_an_hour_and_a_stop_as_long_as_the_drain() -> None:
    item = made(settings=Settings(drain=100))
    probe = pod(item)["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 3600
    assert item["spec"]["progressDeadlineSeconds"] > 3600
    assert pod(item)["terminationGracePeriodSeconds"] == 130
    assert "left=100" in pod(item)["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1]


def test_the_pod_template_comes_last_but_keeps_what_the_router_needs() -> None:
    patch = {
        "metadata": {"labels": {"team": "blue", labels.MODEL: "other"}, "annotations": {"a": "b"}},
        "spec": {
            "nodeSelector": {"gpu": "yes"},
            "containers": [
                {"name": "engine", "env": [{"name": "X", "value": "1"}]},
                {"name": "sidecar", "image": "s"},
            ],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
        },
    }
    item = made(podTemplate=patch)
    metadata = item["spec"]["template"]["metadata"]
    assert metadata["labels"]["team"] == "blue"
    assert item["spec"]["selector"]["matchLabels"].items() <= metadata["labels"].items()
    assert metadata["annotations"]["a"] == "b"
    names = [container["name"] for container in pod(item)["containers"]]
    assert names == ["engine", "sidecar"]
    assert {"name": "X", "value": "1"} in pod(item)["containers"][0]["env"]
    assert argument(item, "--alias") == "m"
    assert {"name": "tmp", "emptyDir": {"medium": "Memory"}} in pod(item)["volumes"]


def test_a_file_of_the_node_is_mounted_with_its_folder_for_its_other_shards() -> None:
    item = made(source={"file": {"path": "/models/big-00001-of-00002.gguf"}})
    assert pod(item)["volumes"][0]["hostPath"] == {"path": "/models", "type": "Directory"}
    assert argument(item, "--model") == "/weights/big-00001-of-00002.gguf"


def test_an_image_is_mounted_where_nodes_can_and_copied_where_they_cannot() -> None:
    source = {"image": {"reference": "r/weights:1", "path": "models/q-00001-of-00002.gguf"}}
    mounted = made(source=source, volumes=True)
    assert pod(mounted)["volumes"][0]["image"] == {"reference": "r/weights:1"}
    assert argument(mounted, "--model") == "/weights/models/q-00001-of-00002.gguf"
    copied = made(source=source)
    assert pod(copied)["initContainers"][0]["command"][-3:] == [
        "/models/q-00001-of-00002.gguf", "/models/q-00002-of-00002.gguf", "/weights/",
    ]  # fmt: skip
    assert argument(copied, "--model") == "/weights/q-00001-of-00002.gguf"


def test_fetched_weights_are_mounted_from_their_claim_near_the_pods_that_have_it() -> None:
    item = made(source=HUB, path="hub/q.gguf")
    assert pod(item)["volumes"][0]["persistentVolumeClaim"] == {"claimName": "model-m-weights"}
    assert pod(item)["containers"][0]["volumeMounts"][0]["readOnly"] is True
    assert "podAffinity" in pod(item)["affinity"]
    shared = made(source=HUB, path="hub/q.gguf", settings=Settings(weights_access_mode="ReadWriteMany"))
    assert "affinity" not in pod(shared)


def test_the_fetching_pod_lands_where_the_model_will_without_its_device() -> None:
    model = a_model(
        source=HUB,
        resources={"limits": {"nvidia.com/gpu": 1}},
        podTemplate={"spec": {"nodeSelector": {"pool": "gpu"}, "tolerations": [{"key": "x"}], "hostNetwork": True}},
    )
    spec = fetching.job(model, "", SETTINGS)["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["tolerations"] == [{"key": "x"}]
    assert "hostNetwork" not in spec
    assert "nvidia.com/gpu" not in str(spec["containers"])
    plain = fetching.job(a_model(source=HUB, resources={"limits": {"nvidia.com/gpu": 1}}), "", SETTINGS)
    assert plain["spec"]["template"]["spec"]["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_the_fetching_pod_gets_the_operators_own_way_out() -> None:
    settings = Settings(passed_on={"HF_ENDPOINT": "https://mirror.example.com"})
    env = fetching.job(a_model(source=HUB), "", settings)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "HF_ENDPOINT", "value": "https://mirror.example.com"} in env


def test_other_weights_have_another_id_and_a_token_is_no_other_weights() -> None:
    plain = identity(a_model(source=HUB))
    other = {"huggingFace": {"repo": "Qwen/Qwen3-0.6B-GGUF", "quantization": "Q4_K_M"}}
    token = {"huggingFace": {"repo": "Qwen/Qwen3-0.6B-GGUF", "tokenSecretRef": {"name": "a", "key": "b"}}}
    assert identity(a_model(source=other)) != plain
    assert identity(a_model(source=token)) == plain
    assert identity(a_model(source=HUB, engine={"contextLength": 4096})) == plain
    assert identity(a_model(source=HUB, gpuMemory="24Gi")) != plain


def test_a_service_is_headless_and_a_budget_lets_one_go() -> None:
    assert service(a_model())["spec"]["clusterIP"] == "None"
    assert budget(a_model())["spec"]["maxUnavailable"] == 1


def test_names_are_cut_to_what_kubernetes_takes_and_stay_apart() -> None:
    assert child("qwen") == "model-qwen"
    long = "x" * 62
    names = {child(long + "a"), child(long + "b"), weights_job(long + "a", "f" * 16)}
    assert len(names) == 3
    assert all(len(name) <= 63 and name[-1].isalnum() for name in names)


@pytest.mark.parametrize(
    ("source", "spec", "asks"),
    [
        ({}, {"gpuMemory": "24Gi"}, (24 << 30, 1)),
        ({}, {"gpuMemory": "24Gi", "resources": {"limits": {"nvidia.com/gpu": "4", "cpu": 8}}}, (24 << 30, 4)),
        ({"file": "*Q4*"}, {"gpuMemory": "24Gi"}, (24 << 30, 1)),
        ({"file": "q4.gguf"}, {"gpuMemory": "24Gi"}, (None, None)),
        ({"quantization": "Q4_K_M"}, {"gpuMemory": "24Gi"}, (None, None)),
        ({}, {}, (None, None)),
    ],
)
def test_the_fetcher_is_told_of_gpus_where_they_decide(source: Object, spec: Object, asks: tuple[object, ...]) -> None:
    model = a_model(source={"huggingFace": {**HUB["huggingFace"], **source}}, **spec)
    request = fetching.request(model)
    assert (request.get("gpuMemory"), request.get("gpus")) == asks
    longer = a_model(source=model.spec.source, **{**spec, "engine": {"contextLength": 32768}})
    assert (identity(longer) != identity(model)) == (asks[0] is not None), "other weights may fit beside its cache"
