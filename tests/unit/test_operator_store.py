"""Objects as last seen, and whom their changes matter to."""

from __future__ import annotations

from typing import Any

from auriga_operator import labels
from auriga_operator.interest import topic
from auriga_operator.resources import CHAINS, MODELS, Key, Object
from auriga_operator.store import Store

MODEL, CHAIN = Key("Model", "n", "a"), Key("RoleChain", "n", "c")


def thing(kind: str, name: str, version: int, spec: Any = None, **metadata: Any) -> Object:
    return {"kind": kind, "metadata": {"name": name, "namespace": "n", "resourceVersion": str(version), **metadata},
            "spec": spec or {}}  # fmt: skip


def model(version: int, **spec: Any) -> Object:
    return thing("Model", "a", version, spec)


def test_older_news_is_no_news() -> None:
    store = Store()
    assert store.put(model(5, replicas=5)) == {MODEL}
    assert store.put(model(5, replicas=6)) == set()
    assert store.put(model(4, replicas=4)) == set()
    assert (store.get(MODEL) or {})["spec"] == {"replicas": 5}


def test_what_is_read_is_a_copy_without_managed_fields() -> None:
    store = Store()
    store.put(thing("Model", "a", 1, managedFields=[{"manager": "x"}]))
    item = store.get(MODEL)
    assert item
    assert "managedFields" not in item["metadata"]
    item["spec"]["replicas"] = 9
    assert (store.get(MODEL) or {})["spec"] == {}


def test_what_is_gone_does_not_come_back_with_an_older_list() -> None:
    store = Store()
    store.put(model(1))
    assert store.remove(model(7)) == {MODEL}
    assert store.put(model(1)) == set()
    assert store.get(MODEL) is None
    assert store.put(model(8)) == {MODEL}
    assert store.remove(model(7)) == set(), "another one has taken its name since"


def test_a_list_takes_away_what_is_not_in_it_but_not_what_is_newer() -> None:
    store = Store()
    store.put(model(1))
    store.put(thing("Model", "new", 20))
    store.put(thing("RoleChain", "c", 1))
    assert store.keep(MODELS, "n", set(), 10) == {MODEL}
    assert store.keys(MODELS) == (Key("Model", "n", "new"),)
    assert store.keep(CHAINS, "another", set(), 30) == set()
    assert store.keys(CHAINS) == (CHAIN,)


def test_a_child_matters_to_its_model() -> None:
    store = Store()
    pod = thing("Pod", "p", 1, labels={labels.MODEL: "a"})
    assert store.put(pod) == {MODEL}
    assert [item["metadata"]["name"] for item in store.children(MODEL)] == ["p"]
    assert store.put(thing("Pod", "p", 2)) == {MODEL}, "it has lost its label"
    assert list(store.children(MODEL)) == []
    assert store.put(thing("Pod", "other", 3)) == set()


def test_a_secret_and_a_claim_matter_to_the_models_that_name_them() -> None:
    store = Store()
    hub = {"huggingFace": {"repo": "o/n", "tokenSecretRef": {"name": "token", "key": "k"}}}
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}]
    store.put(model(1, source=hub, engine={"env": env}))
    assert store.put(thing("Secret", "token", 2)) == {MODEL}
    assert store.put(thing("Secret", "env", 3)) == {MODEL}
    assert store.put(thing("Secret", "other", 4)) == set()
    store.put(model(5, source={"volume": {"claimName": "w", "path": "p"}}))
    assert store.put(thing("PersistentVolumeClaim", "w", 6)) == {MODEL}
    assert store.put(thing("Secret", "token", 7)) == set(), "it is not named any more"
    assert store.remove(thing("PersistentVolumeClaim", "w", 8)) == {MODEL}


def test_a_model_matters_to_the_chains_it_is_a_member_of() -> None:
    store = Store()
    store.put(thing("RoleChain", "c", 1, {"members": [{"model": "a"}]}))
    assert store.put(model(2)) == {MODEL, CHAIN}
    assert store.remove(model(3)) == {MODEL, CHAIN}


def test_chains_that_share_a_name_matter_to_each_other() -> None:
    store = Store()
    other = Key("RoleChain", "n", "d")
    store.put(thing("RoleChain", "c", 1, {"role": "code", "members": []}))
    assert store.put(thing("RoleChain", "d", 2, {"synonyms": ["code"], "members": []})) == {CHAIN, other}
    assert store.interested(topic("name", "n", "code")) == {CHAIN, other}
    assert store.put(thing("RoleChain", "d", 3, {"synonyms": [], "members": []})) == {CHAIN, other}, "it gave it up"
    assert store.put(thing("RoleChain", "d", 4, {"synonyms": [], "members": []})) == {other}
