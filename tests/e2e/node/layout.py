"""What the node is called, where it listens, and where it keeps its files: constants and paths, nothing else."""

from dataclasses import dataclass
from pathlib import Path

NODE = "node"
BRIDGE = "auriga0"  # made by us, so that its address can be the node's; pods hang on it
ADDRESS = "10.200.0.1"
PODS = "10.200.0.0/24"
FIRST_POD = "10.200.0.10"
DNS = "10.96.0.10"
PAUSE_IMAGE = "localhost/pause:1"
DNS_IMAGE = "localhost/coredns:1"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one node below `directory`. There can be one node a machine, because of the names above."""

    directory: Path

    @property
    def control_plane(self) -> Path:
        """The directory of etcd, API server, controllers and scheduler."""
        return self.directory / "control-plane"

    @property
    def pki(self) -> Path:
        """Certificates and keys, those of the control plane and of the node."""
        return self.control_plane / "pki"

    @property
    def containerd(self) -> Path:
        """Images and containers."""
        return self.directory / "containerd"

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.containerd / "containerd.sock"

    @property
    def kubelet(self) -> Path:
        """The pods' volumes."""
        return self.directory / "kubelet"

    @property
    def networks(self) -> Path:
        """The folder of CNI configuration."""
        return self.directory / "cni"

    @property
    def pod_logs(self) -> Path:
        """What containers write."""
        return self.directory / "pod-logs"

    @property
    def before(self) -> Path:
        """What the machine was like, to be put back."""
        return self.directory / "before.json"

    @property
    def ready(self) -> Path:
        """Appears when everything serves; holds the kubeconfig's path."""
        return self.directory / "ready"

    def log(self, name: str) -> Path:
        """The log of the program `name`."""
        return self.directory / f"{name}.log"

    def config(self, name: str) -> Path:
        """The configuration file of the program `name`."""
        return self.directory / f"{name}.config"
