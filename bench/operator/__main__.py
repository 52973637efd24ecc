"""How the operator does with many objects: ``.venv/bin/python bench/operator [--models 200 --chains 60]``.

``--models 0`` does only single creates and edits, half a minute.

Against a real etcd, kube-apiserver and kube-controller-manager on this machine: Models and RoleChains created at once,
a restart with nothing changed, a minute of nothing, single creates and edits one after the other. A whole run (about
four minutes) writes docs/benchmarks.md and bench/results/operator.json; a smaller one only prints.
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
from pathlib import Path

import uvloop
from process import Operator, processor_seconds
from publish import write

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from auriga_operator.connection import connect  # noqa: E402 - the test cluster is found now
from auriga_operator.kube import Kube  # noqa: E402
from auriga_operator.resources import CHAINS, DEPLOYMENTS, LEASES, MODELS, Object  # noqa: E402
from cluster import Mirror, audit_length, chain, claim, create_all, following, key, model, requests  # noqa: E402
from support.controlplane import ControlPlane  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "operator.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
WHOLE = (1000, 300)
Figures = dict[str, float | int | dict[str, int]]


def observed(item: Object) -> bool:
    """A status that is about the spec as it is."""
    return (item.get("status") or {}).get("observedGeneration") == item["metadata"]["generation"]


def observed_anew(item: Object) -> bool:
    """A status that is about the spec as it was edited."""
    return observed(item) and item["metadata"]["generation"] > 1


def settled(item: Object) -> bool:
    """A status that has heard of the pod: how soon that is, the controller manager decides."""
    return observed(item) and item["status"].get("replicas") == 1


async def crowd(
    plane: ControlPlane, kube: Kube, namespace: str, log: Path, *, count: int, chains: int
) -> list[Figures]:
    """Many at once, then a restart, then nothing."""
    names = [f"m{number:04}" for number in range(count)]
    items = [model(namespace, name) for name in names]
    items += [chain(namespace, f"c{number:04}", names[number * 3 : number * 3 + 3]) for number in range(chains)]
    models, counted = Mirror(MODELS, observed), Mirror(MODELS, settled)
    roles, deployments = Mirror(CHAINS, observed), Mirror(DEPLOYMENTS)
    since = audit_length(plane)
    async with following(kube, namespace, models, counted, roles, deployments):
        with Operator(plane.kubeconfig, log) as operator:
            await leader(kube)
            cpu, begun = operator.cpu_seconds, time.perf_counter()
            ours = [os.getpid(), operator.pid, *(program.pid for program in plane.programs.values())]
            busy = processor_seconds(ours)
            first: Figures = {"create_seconds": await create_all(kube, items)}
            first["deployments_seconds"] = await deployments.count(count, 300) - begun
            first["models_true_seconds"] = await models.count(count, 300) - begun
            first["chains_true_seconds"] = await roles.count(chains, 300) - begun
            first["pods_counted_seconds"] = await counted.count(count, 300) - begun
            all_, own = (after - before for after, before in zip(processor_seconds(ours), busy, strict=True))
            first["others_percent"] = 100 * (all_ - own) / ((time.perf_counter() - begun) * (os.cpu_count() or 1))
            await asyncio.sleep(5)
            first["operator_cpu_seconds"] = operator.cpu_seconds - cpu
            first["operator_peak_mb"] = operator.peak_megabytes
            made = requests(plane, since)
            first |= {"writes": made.total, "writes_per_model": made.total / count, "reads": made.reads}
            first |= {"refused": made.refused, "by_kind": dict(made.writes)}
            calm = await idle(plane, operator)
    return [first, calm, await restart(plane, kube, log)]


async def idle(plane: ControlPlane, operator: Operator, seconds: float = 60.0) -> Figures:
    """A minute without any change."""
    since, cpu = audit_length(plane), operator.cpu_seconds
    await asyncio.sleep(seconds)
    made = requests(plane, since)
    return {
        "idle_cores": (operator.cpu_seconds - cpu) / seconds,
        "idle_writes": made.total,
        "idle_lease_writes": made.leases,
    }


async def restart(plane: ControlPlane, kube: Kube, log: Path) -> Figures:
    """Another process finds everything as it should be."""
    since = audit_length(plane)
    with Operator(plane.kubeconfig, log) as operator:
        await leader(kube)
        await asyncio.sleep(15)
        made = requests(plane, since)
        return {
            "restart_writes": made.total,
            "restart_reads": made.reads,
            "restart_cpu_seconds": operator.cpu_seconds,
            "restart_peak_mb": operator.peak_megabytes,
        }


async def leader(kube: Kube) -> None:
    """Wait until a replica holds the Lease."""
    async with asyncio.timeout(30):
        while True:
            lease = await kube.get(key(LEASES, "default", "auriga-operator"))
            if lease and lease["spec"].get("holderIdentity"):
                return
            await asyncio.sleep(0.05)


async def single(plane: ControlPlane, kube: Kube, namespace: str, count: int, log: Path) -> Figures:
    """One create and one edit at a time: until the child is there, until the status is."""
    created, edited, told, told_again = [], [], [], []
    models, made, changed = Mirror(MODELS, observed), Mirror(DEPLOYMENTS), Mirror(DEPLOYMENTS, parallel)
    anew, quiet, at_rest = Mirror(MODELS, observed_anew), Mirror(DEPLOYMENTS, started), Mirror(DEPLOYMENTS, rolled)
    async with following(kube, namespace, models, made, changed, anew, quiet, at_rest):
        with Operator(plane.kubeconfig, log):
            await leader(kube)
            for number in range(1, count + 1):
                name = f"one{number:03}"
                item = await kube.create(model(namespace, name))
                begun = time.perf_counter()
                created.append(await made.count(number, 10) - begun)
                told.append(await models.count(number, 10) - begun)
                await quiet.count(number, 10)
                await asyncio.sleep(0.1)
                spec = item["spec"] | {"engine": item["spec"]["engine"] | {"parallel": 8}}
                head = {"apiVersion": item["apiVersion"], "kind": item["kind"]}
                await kube.apply({**head, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
                begun = time.perf_counter()
                edited.append(await changed.count(number, 10) - begun)
                told_again.append(await anew.count(number, 10) - begun)
                await at_rest.count(number, 10)
                await asyncio.sleep(0.1)
    return {f"{what}_p50_ms": statistics.median(times) * 1000 for what, times in
            (("create_to_child", created), ("create_to_status", told),
             ("edit_to_child", edited), ("edit_to_status", told_again))}  # fmt: skip


def parallel(item: Object) -> bool:
    """The edit has arrived in the Deployment."""
    arguments = item["spec"]["template"]["spec"]["containers"][0]["args"]
    return bool(arguments[arguments.index("--parallel") + 1] == "8")


def started(item: Object) -> bool:
    """The controller manager has made its pod."""
    return observed(item) and item["status"].get("replicas", 0) >= 1


def rolled(item: Object) -> bool:
    """The controller manager has nothing more to do for it: there are no nodes that pods could start on."""
    return parallel(item) and observed(item) and item["status"].get("replicas") == 2


async def run(options: argparse.Namespace) -> list[Figures]:
    """All of it, on a fresh control plane."""
    with tempfile.TemporaryDirectory() as directory:
        crds = sorted((ROOT / "crds").glob("*.yaml"))
        with ControlPlane(Path(directory), crds=crds, audit=True) as plane:
            log = Path(directory) / "operator.log"
            async with Kube(connect(plane.kubeconfig), "bench") as kube:
                few, many = plane.create_namespace("single"), plane.create_namespace("crowd")
                for namespace in (few, many):
                    await kube.create(claim(namespace))
                results = [await single(plane, kube, few, options.singles, log)]
                if options.models:
                    results += await crowd(plane, kube, many, log, count=options.models, chains=options.chains)
                sys.stderr.write(log.read_text())
                return results


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=WHOLE[0])
    parser.add_argument("--chains", type=int, default=WHOLE[1])
    parser.add_argument("--singles", type=int, default=50)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        parts = runner.run(run(options))
    record = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "cores": os.cpu_count(),
              "models": options.models, "chains": options.chains}  # fmt: skip
    record |= {
        name: round(value, 3) if isinstance(value, float) else value for part in parts for name, value in part.items()
    }
    print(json.dumps(record, indent=2))
    if (options.models, options.chains) == WHOLE:
        write(record, DOCUMENT, RESULTS)
        print(f"Wrote {DOCUMENT.name} and {RESULTS.name}")


if __name__ == "__main__":
    main()
