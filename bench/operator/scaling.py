"""How the operator follows the load of many Models: ``.venv/bin/python bench/operator/scaling.py [--models 200]``.

Against a real etcd, kube-apiserver and kube-controller-manager on this machine, with a scripted router: one Model from
zero to eight, many times; then all of them at once; then their loads change ten times a second without meaning another
number of replicas. A whole run (about three minutes) writes bench/results/scaling.json.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import uvloop
from process import Operator

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from auriga_api.load import ModelLoad  # noqa: E402 - the test cluster is found now
from auriga_operator.connection import connect  # noqa: E402
from auriga_operator.kube import Kube  # noqa: E402
from auriga_operator.resources import DEPLOYMENTS, MODELS, Object  # noqa: E402
from cluster import Mirror, audit_length, claim, create_all, following, model, requests  # noqa: E402
from support.controlplane import ControlPlane  # noqa: E402
from support.load_routers import TOKEN, LoadRouter, own_address  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "scaling.json"
WHOLE = 1000
SERVICE = "auriga-router"
BOUNDS = {"minReplicas": 0, "maxReplicas": 8, "targetInFlight": 4, "idleTimeout": "1h"}
REPORTS, PAUSE = 100, 0.1
Figures = dict[str, float | int | dict[str, int]]


def scaled_model(namespace: str, name: str) -> Object:
    """A Model whose replicas follow its load."""
    item = model(namespace, name)
    return {**item, "spec": {**item["spec"], "autoscaling": BOUNDS}}


def slice_of(router: LoadRouter, namespace: str) -> Object:
    """What lists the router."""
    metadata = {"name": SERVICE, "namespace": namespace, "labels": {"kubernetes.io/service-name": SERVICE}}
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
        "endpoints": [{"addresses": [router.host], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": router.port, "protocol": "TCP"}],
    }  # fmt: skip


def has(count: int, item: Object) -> bool:
    """A Deployment of so many replicas."""
    return bool(item["spec"]["replicas"] == count)


def desires(count: int, item: Object) -> bool:
    """A Model whose status says so."""
    return bool(((item.get("status") or {}).get("autoscaling") or {}).get("desired") == count)


async def single(kube: Kube, router: LoadRouter, namespace: str, count: int) -> Figures:
    """One after the other: from the router's word to the Deployment."""
    names = [f"one{number:03}" for number in range(count)]
    raised, told = Mirror(DEPLOYMENTS, partial(has, 8)), Mirror(MODELS, partial(desires, 8))
    asleep = Mirror(MODELS, partial(desires, 0))
    times, statuses = [], []
    async with following(kube, namespace, raised, told, asleep):
        await create_all(kube, [scaled_model(namespace, name) for name in names])
        await asleep.count(count, 60)
        for number, name in enumerate(names, start=1):
            begun = time.perf_counter()
            router.tell_all({f"{namespace}/{name}": ModelLoad(0, 32, 32)})
            times.append(await raised.count(number, 20) - begun)
            statuses.append(await told.count(number, 20) - begun)
            await asyncio.sleep(0.3)
    return {
        "zero_to_eight_p50_ms": statistics.median(times) * 1000,
        "zero_to_eight_max_ms": max(times) * 1000,
        "status_p50_ms": statistics.median(statuses) * 1000,
    }


async def crowd(
    plane: ControlPlane, kube: Kube, router: LoadRouter, operator: Operator, *, namespace: str, count: int
) -> Figures:
    """All at once."""
    names = [f"m{number:04}" for number in range(count)]
    raised, told = Mirror(DEPLOYMENTS, partial(has, 2)), Mirror(MODELS, partial(desires, 2))
    asleep = Mirror(MODELS, partial(desires, 0))
    async with following(kube, namespace, raised, told, asleep):
        await create_all(kube, [scaled_model(namespace, name) for name in names])
        await asleep.count(count, 300)
        await asyncio.sleep(10)
        since, cpu, begun = audit_length(plane), operator.cpu_seconds, time.perf_counter()
        router.tell_all({f"{namespace}/{name}": ModelLoad(0, 8, 8) for name in names})
        figures: Figures = {"deployments_seconds": await raised.count(count, 300) - begun}
        figures["statuses_seconds"] = await told.count(count, 300) - begun
        made = requests(plane, since)
        figures |= {"writes": made.total, "writes_per_model": made.total / count, "by_kind": dict(made.writes)}
        figures["cpu_seconds"] = operator.cpu_seconds - cpu
        await asyncio.sleep(45)  # the controller manager makes the pods, and statuses count them
        return figures | await storm(plane, router, operator, [f"{namespace}/{name}" for name in names])


async def storm(plane: ControlPlane, router: LoadRouter, operator: Operator, names: list[str]) -> Figures:
    """Loads that change all the time, and mean the same."""
    since, cpu, begun = audit_length(plane), operator.cpu_seconds, time.perf_counter()
    for number in range(REPORTS):
        load = ModelLoad(5 + number % 4, 0, 9 + number)
        await asyncio.to_thread(router.tell_all, dict.fromkeys(names, load))
        await asyncio.sleep(max(0.0, begun + (number + 1) * PAUSE - time.perf_counter()))
    took = time.perf_counter() - begun
    return {
        "storm_reports_per_second": REPORTS / took,
        "storm_cores": (operator.cpu_seconds - cpu) / took,
        "storm_writes": requests(plane, since).total,
        "peak_mb": operator.peak_megabytes,
    }


async def run(options: argparse.Namespace) -> list[Figures]:
    """All of it, on a fresh control plane."""
    with tempfile.TemporaryDirectory() as directory, LoadRouter("bench", own_address()) as router:
        token, log = Path(directory) / "token", Path(directory) / "operator.log"
        token.write_text(TOKEN)
        crds = sorted((ROOT / "crds").glob("*.yaml"))
        with ControlPlane(Path(directory), crds=crds, audit=True) as plane:
            async with Kube(connect(plane.kubeconfig), "bench") as kube:
                few, many = plane.create_namespace("single"), plane.create_namespace("crowd")
                for namespace in (few, many):
                    await kube.create(claim(namespace))
                await kube.create(slice_of(router, few))
                arguments = ["--router-service", f"{few}/{SERVICE}", "--load-token-file", str(token)]
                with Operator(plane.kubeconfig, log, *arguments) as operator:
                    await asyncio.to_thread(router.followed, 1, 60)
                    results = [await single(kube, router, few, options.singles)]
                    results += [await crowd(plane, kube, router, operator, namespace=many, count=options.models)]
                sys.stderr.write(log.read_text())
                return results


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=WHOLE)
    parser.add_argument("--singles", type=int, default=50)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        parts = runner.run(run(options))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    record: dict[str, object] = {"date": today, "cores": os.cpu_count(), "models": options.models}
    record |= {
        name: round(value, 3) if isinstance(value, float) else value for part in parts for name, value in part.items()
    }
    print(json.dumps(record, indent=2))
    if options.models == WHOLE:
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
