"""How the router finds its cluster, and what it says when it cannot."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from auriga_router.settings import read_settings
from auriga_router.sources.kubernetes.connection import Identity, NoCluster, in_cluster
from auriga_router.sources.kubernetes.kubeconfig import connect, from_files

CLUSTER = {"server": "https://10.0.0.1:6443/"}


def kubeconfig(folder: Path, *, name: str = "config", current: str = "c", cluster: Any = CLUSTER, **user: Any) -> Path:
    path = folder / name
    content = {
        "current-context": current,
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(content))
    return path


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_pod_uses_its_service_account_and_reads_its_token_anew(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert found.server == "https://10.96.0.1:443"
    assert found.identity.authorization() == "Bearer one"
    (tmp_path / "token").write_text("two")
    assert found.identity.authorization() == "Bearer two"


def test_a_pod_of_an_ipv6_cluster(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1"}, tmp_path)
    assert (found.address.hostname, found.address.port) == ("fd00::1", 443)


@pytest.mark.parametrize(
    ("environment", "message"),
    [({}, "set KUBECONFIG"), ({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, "no token in")],
)
def test_no_cluster_at_all(tmp_path: Path, environment: dict[str, str], message: str) -> None:
    with pytest.raises(NoCluster, match=message):
        in_cluster(environment, tmp_path)


def test_kubeconfig_goes_before_the_pods_own_account(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, token="t")
    found = connect({"KUBECONFIG": str(path), "KUBERNETES_SERVICE_HOST": "10.96.0.1"})
    assert (found.server, found.identity.authorization()) == ("https://10.0.0.1:6443", "Bearer t")


def test_of_several_files_the_first_that_says_something_counts(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text(json.dumps({"current-context": "c", "users": [{"name": "u", "user": {"tokenFile": "token"}}]}))
    (tmp_path / "token").write_text("mine")
    found = from_files([first, kubeconfig(tmp_path, current="", token="theirs")])
    assert found.identity.authorization() == "Bearer mine"


def test_certificates_are_taken_from_the_file_or_from_beside_it(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("client.example")
    certificate, key = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    (tmp_path / "client.pem").write_bytes(certificate)
    (tmp_path / "client.key").write_bytes(key)
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    cluster = CLUSTER | {"certificate-authority": "ca.pem"}
    files = {"client-certificate": "client.pem", "client-key": "client.key"}
    inline = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    data = CLUSTER | {"certificate-authority-data": encoded(authority.cert_pem.bytes())}
    for path in (
        kubeconfig(tmp_path, name="files", cluster=cluster, **files),
        kubeconfig(tmp_path, name="inline", cluster=data, **inline),
    ):
        tls = from_files([path]).tls()
        assert tls
        assert len(tls.get_ca_certs()) == 1


def test_plain_http_needs_no_certificates(tmp_path: Path) -> None:
    found = from_files([kubeconfig(tmp_path, cluster={"server": "http://127.0.0.1:8001/prefix"})])
    assert found.tls() is None
    assert found.address.path == "/prefix"


def test_verification_can_be_turned_off(tmp_path: Path) -> None:
    found = from_files([kubeconfig(tmp_path, cluster=CLUSTER | {"insecure-skip-tls-verify": True})])
    tls = found.tls()
    assert tls
    assert not tls.check_hostname


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"current": ""}, "no current-context"),
        ({"current": "other"}, 'contexts has no "other"'),
        ({"cluster": {}}, "has no server"),
        ({"cluster": CLUSTER | {"proxy-url": "http://p"}}, "proxy-url is not supported"),
        ({"exec": {"command": "aws"}}, 'user "u" signs in by exec: use a service account'),
        ({"client-key-data": "!", "client-certificate-data": "x"}, "is no base64"),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_one_line(tmp_path: Path, content: dict, message: str) -> None:
    with pytest.raises(NoCluster, match=message) as refusal:
        from_files([kubeconfig(tmp_path, **content)])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["token: sk-secret: [", "just words", "\x00"])
def test_an_unreadable_kubeconfig_repeats_none_of_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(NoCluster) as refusal:
        from_files([tmp_path / "config"])
    assert "sk-secret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(NoCluster, match="KUBECONFIG: no such file: /nowhere/config"):
        connect({"KUBECONFIG": "/nowhere/config"})


def test_an_identity_shows_no_token() -> None:
    assert "sk-secret" not in repr(Identity(token="sk-secret", certificate=b"sk-secret"))


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, False),
        ([], {"KUBECONFIG": "k"}, True),
        ([], {"KUBECONFIG": ""}, False),
        ([], {"KUBERNETES_SERVICE_HOST": "h"}, True),
        (["-f", "models"], {"KUBECONFIG": "k"}, False),
        (["-f", "models", "--kubernetes"], {}, True),
        ([], {"AURIGA_KUBERNETES": "true"}, True),
    ],
)
def test_a_cluster_is_followed_where_there_is_one_and_no_file(
    arguments: list[str], environment: dict[str, str], expected: bool
) -> None:
    from auriga_router.__main__ import follows_cluster

    assert follows_cluster(read_settings(arguments, environment), environment) is expected
