"""What the node changes on the machine outside of its directory, and how each of that is put back."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from e2e.node.layout import ADDRESS, BRIDGE

WANTED = {
    "net.ipv4.ip_forward": "1",
    # Otherwise a pod's answer to another pod on the bridge skips the translation back from the service's address.
    "net.bridge.bridge-nf-call-iptables": "1",
}
# Set by the kubelet and kube-proxy.
TOUCHED = (
    "kernel.keys.root_maxbytes",
    "kernel.keys.root_maxkeys",
    "kernel.panic",
    "kernel.panic_on_oops",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
)
# Made by containerd, the CNI plugins and the kubelet at places that cannot be configured.
FIXED_FOLDERS = (
    "/run/containerd",
    "/run/mount",
    "/run/netns",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
)


def prepare(before: Path) -> None:
    """Makes the bridge and changes kernel settings; what was there before is written to the file `before`, once."""
    if not before.exists():
        settings = {key: _sysctl(key).read_text().strip() for key in (*WANTED, *TOUCHED) if _sysctl(key).exists()}
        ours = [folder for folder in FIXED_FOLDERS if not Path(folder).exists()]
        before.write_text(json.dumps({"settings": settings, "ours": ours}))
    if not Path("/sys/class/net", BRIDGE).exists():
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        _run("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    for key, value in WANTED.items():
        _sysctl(key).write_text(value)


def restore(directory: Path, before: Path) -> None:
    """Puts everything back; the node's programs have ended. Doing it twice does no harm."""
    for mount in mounts_below(directory):
        _run("umount", mount)
    if Path("/sys/class/net", BRIDGE).exists():
        _run("ip", "link", "delete", BRIDGE)
    for group in _pod_cgroups():
        _remove_cgroup(group)
    _remove_links_into(directory, Path("/var/log/containers"))
    if before.exists():
        state = json.loads(before.read_text())
        for folder in state["ours"]:
            _remove_unused(Path(folder))
        for key, value in state["settings"].items():
            _sysctl(key).write_text(value)
        before.unlink()


def mounts_below(directory: Path) -> list[str]:
    """The mount points below `directory`, inner ones first."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{directory}/")), reverse=True)


def _sysctl(key: str) -> Path:
    return Path("/proc/sys", *key.split("."))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _pod_cgroups() -> Iterator[Path]:
    """Of either version of cgroups: one tree, or one for each controller."""
    root = Path("/sys/fs/cgroup")
    yield from (path for path in [root / "kubepods", *root.glob("*/kubepods")] if path.exists())


def _remove_cgroup(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        Path(path).rmdir()


def _remove_unused(folder: Path) -> None:
    """Removes `folder` with the folders and sockets in it, as far as they hold no file."""
    for path, _, names in os.walk(folder, topdown=False):
        for name in names:
            if Path(path, name).is_socket():
                Path(path, name).unlink()
        if not any(Path(path).iterdir()):
            Path(path).rmdir()


def _remove_links_into(directory: Path, folder: Path) -> None:
    for link in folder.glob("*"):
        if link.is_symlink() and link.readlink().is_relative_to(directory):
            link.unlink()
