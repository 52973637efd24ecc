"""Nodes that kwok plays: the real scheduler places pods on them, where they serve as soon as they are bound.

Nothing runs: a pod gets an address and the status of one that serves, and is gone a moment after it was told to go.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.controlplane import ControlPlane
from support.kube.processes import Program, wait_until

STAGES = Path(__file__).parents[1] / "cluster" / "kwok" / "stages.yaml"
NODES = "/api/v1/nodes"


class SimulatedNodes:
    """The nodes of one control plane; ``with`` starts and ends kwok, which is at ``program`` and plays them."""

    def __init__(self, plane: ControlPlane, program: Path) -> None:
        self.plane = plane
        self._program = program
        self._client = plane.client()

    def add(self, name: str, gpus: int) -> None:
        """A node with so many GPUs, and more than enough of everything else; returns when pods may come to it."""
        room = {"cpu": "64", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": str(gpus)}
        node: dict[str, Any] = {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"capacity": room, "allocatable": room},
        }  # fmt: skip
        self._client.post(NODES, json=node).raise_for_status()
        wait_until(f"ready node {name}", lambda: self._open(name), [self._running], timeout=60)

    def clear(self) -> None:
        """There are none any more. Pods must have gone before: without its node none ever ends."""
        self._client.delete(NODES).raise_for_status()

    def _open(self, name: str) -> bool:
        node = self._client.get(f"{NODES}/{name}").raise_for_status().json()
        conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", ())}
        return conditions.get("Ready") == "True" and not node["spec"].get("taints")

    def __enter__(self) -> Self:
        command = [self._program, f"--kubeconfig={self.plane.kubeconfig}", f"--config={STAGES}", "--manage-all-nodes"]
        command += ["--node-lease-duration-seconds=0"]  # what a stage writes into the status counts as much
        self._running = Program("kwok", command, self.plane.layout.directory / "kwok.log")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.stop(3)
        self._client.close()
