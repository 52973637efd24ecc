"""One machine as a whole cluster: control plane, containerd, kubelet, kube-proxy and DNS, with real pods.

Everything it changes on the machine is put back when it stops, also by another process after this one was killed.
"""

import json
import subprocess
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from e2e.node import configs, machine
from e2e.node.images import ImageError
from e2e.node.layout import ADDRESS, NODE, Layout
from e2e.node.requirements import require
from support.controlplane import ControlPlane
from support.kube import certificates
from support.kube.processes import Program, wait_until

HERE = Path(__file__).parent
SECONDS = 60.0
# As on OpenShift: who makes an object that blocks its owner's deletion needs a right to the owner.
STRICTER = ("OwnerReferencesPermissionEnforcement",)


class Node:
    """A cluster of this machine alone; `with Node(...) as node:` starts it and stops it.

    directory: for its files. archives: images to import before the first pod, as `images.save` writes them.
    """

    def __init__(self, directory: Path, archives: Iterable[Path] = ()) -> None:
        self.layout = Layout(directory.resolve())
        self._archives = tuple(archives)
        self._plugins = require()
        self.plane = ControlPlane(self.layout.control_plane, scheduler=True, address=ADDRESS, admission=STRICTER)
        self._programs: dict[str, Program] = {}

    def start(self) -> Self:
        """Returns when the node is ready and answers DNS. Raises ProgramError, with nothing left behind."""
        try:
            self._prepare()
            self._start_containerd()
            with self._import() as importing:
                self.plane.start()
                output, _ = importing.communicate()
            if importing.returncode:
                raise ImageError(f"an image cannot be imported:\n{output}")
            # After the images, because a pod that misses one waits 10 s before it looks again.
            self._start_kubelet()
            self._start_kube_proxy()
            self.plane.kubectl("apply", f"--filename={HERE / 'coredns.yaml'}")
            self._wait_for("node", "Ready", f"node/{NODE}")
            self._wait_for("DNS", "Available", "deployment/coredns", "--namespace=kube-system")
        except BaseException:
            self.stop()
            raise
        return self

    def stop_api_server(self) -> None:
        """As if it had crashed: everything else runs on."""
        # An orderly end would take its own address out of the Service, and kube-proxy, which tries ever less often,
        # would learn up to a minute after the server's return that it is there again.
        self.plane.stop_api_server(grace=0)

    def start_api_server(self) -> None:
        """At the address it had."""
        self.plane.start_api_server()

    def stop(self) -> None:
        """Removes every pod, ends every program and puts the machine back; the cluster's data stays."""
        self._end("kubelet", grace=10)
        if self.layout.config("containerd").exists():
            self._remove_pods()
        self._end("kube-proxy", grace=3)
        self._run_once("kube-proxy", "--cleanup")
        self.plane.stop()
        self._end("containerd", grace=10)
        machine.restore(self.layout.directory, self.layout.before)

    def _prepare(self) -> None:
        layout = self.layout
        for folder in (layout.directory, layout.containerd, layout.kubelet, layout.networks):
            folder.mkdir(parents=True, exist_ok=True)
        machine.prepare(layout.before)
        (layout.networks / "10-pods.conflist").write_text(json.dumps(configs.network(layout)))
        layout.config("containerd").write_text(configs.containerd(layout, self._plugins))
        layout.config("kubelet").write_text(json.dumps(configs.kubelet(layout)))
        proxy = configs.kube_proxy(self.plane.layout.kubeconfig("kube-proxy"))
        layout.config("kube-proxy").write_text(json.dumps(proxy))

    def _start_containerd(self) -> None:
        self._run("containerd", "containerd", f"--config={self.layout.config('containerd')}")
        program = self._programs["containerd"]
        wait_until("answer of containerd", lambda: self._ctr("version") == 0, [program], SECONDS)

    def _remove_pods(self) -> None:
        """Through containerd, so that each pod's interface, address and mounts go, too."""
        if "containerd" not in self._programs:  # the process that ran it was killed
            self._start_containerd()
        # A containerd that has just started refuses this for a while, although it answers.
        remove = partial(self._run_once, "remove-pods", f"unix://{self.layout.socket}")
        wait_until("removal of all pods", lambda: remove() == 0, [self._programs["containerd"]], SECONDS)

    def _import(self) -> subprocess.Popen[str]:
        """Imports the images in the background."""
        script = 'for archive; do ctr --address "$0" --namespace k8s.io images import "$archive" || exit 1; done'
        command: list[str | Path] = ["sh", "-c", script, self.layout.socket, *self._archives]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _ctr(self, *arguments: str) -> int:
        command = ["ctr", f"--address={self.layout.socket}", *arguments]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def _start_kubelet(self) -> None:
        layout, plane = self.layout, self.plane
        certificates.issue(layout.pki, "kubelet", f"system:node:{NODE}", "system:nodes", NODE, ADDRESS)
        kubeconfig = certificates.kubeconfig(plane.layout.kubeconfig("kubelet"), plane.url, layout.pki, "kubelet")
        self._run(
            "kubelet",
            plane.binaries / "kubelet",
            f"--config={layout.config('kubelet')}",
            f"--kubeconfig={kubeconfig}",
            f"--root-dir={layout.kubelet}",
            f"--cert-dir={layout.pki}",
            f"--hostname-override={NODE}",
            f"--node-ip={ADDRESS}",
        )

    def _start_kube_proxy(self) -> None:
        self._run("kube-proxy", self.plane.binaries / "kube-proxy", f"--config={self.layout.config('kube-proxy')}")

    def _wait_for(self, what: str, condition: str, *target: str) -> None:
        def ready() -> bool:
            arguments = ["wait", f"--for=condition={condition}", "--timeout=0", *target]
            return self.plane.kubectl(*arguments, check=False).returncode == 0

        wait_until(f"ready {what}", ready, [self._programs["kube-proxy"], self._programs["kubelet"]], SECONDS)

    def _run(self, name: str, *argv: str | Path) -> None:
        self._programs[name] = Program(name, argv, self.layout.log(name))

    def _run_once(self, program: str, *arguments: str) -> int:
        """Runs one of the Kubernetes programs to its end; its exit status. What it says goes to its log."""
        with self.layout.log(program).open("ab") as log:
            command = [str(self.plane.binaries / program), *arguments]
            return subprocess.run(command, stdout=log, stderr=log, check=False, timeout=2 * SECONDS).returncode

    def _end(self, name: str, grace: float) -> None:
        program = self._programs.pop(name, None)
        if program is not None:
            program.stop(grace)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
