"""The configuration files of a node's programs: pure functions of its layout. JSON where YAML is asked for."""

from pathlib import Path
from typing import Any

from e2e.node.layout import ADDRESS, BRIDGE, DNS, FIRST_POD, NODE, PAUSE_IMAGE, PODS, Layout
from support.kube.certificates import CLUSTER_DOMAIN

CONTAINERD = """\
version = 2
root = "{containerd}/images"
state = "{containerd}/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  stream_server_address = "127.0.0.1"
  # Without CAP_SYS_RESOURCE, which some virtual machines lack, no process may lower its own score, and runc fails with
  # "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{networks}"
"""


def containerd(layout: Layout, plugins: Path) -> str:
    """containerd's TOML; `plugins` is the folder of CNI plugins."""
    return CONTAINERD.format(
        containerd=layout.containerd,
        socket=layout.socket,
        pause=PAUSE_IMAGE,
        plugins=plugins,
        networks=layout.networks,
    )


def network(layout: Layout) -> dict[str, Any]:
    """The pods' network: a bridge, and addresses handed out by a folder of files. Nothing leaves the machine."""
    ranges = [[{"subnet": PODS, "gateway": ADDRESS, "rangeStart": FIRST_POD}]]
    ipam = {
        "type": "host-local",
        "dataDir": str(layout.networks / "addresses"),
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": ranges,
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def kubelet(layout: Layout) -> dict[str, Any]:
    """The kubelet's configuration, for cgroups of either version and with a disk that may be full of other things."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "tlsCertFile": str(layout.pki / "kubelet.pem"),
        "tlsPrivateKeyFile": str(layout.pki / "kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.pem")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [DNS],
        "resolvConf": "",  # pods ask the cluster's DNS and nobody else
        "containerRuntimeEndpoint": f"unix://{layout.socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        # Images are imported and cannot be pulled again, so a full disk must not make the kubelet delete them. A list
        # without memory.available turns that signal off.
        "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(layout.pod_logs),
        "volumePluginDir": str(layout.directory / "volume-plugins"),
        "nodeStatusUpdateFrequency": "5s",
    }


def kube_proxy(kubeconfig: Path) -> dict[str, Any]:
    """kube-proxy with nftables, which takes its rules back by itself, and without settings of connection tracking."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": NODE,
        "clusterCIDR": PODS,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
