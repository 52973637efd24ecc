"""Manifests: what a user gets right, and the one line for what a user gets wrong."""

from __future__ import annotations

import textwrap

import pytest

from auriga_api.manifests import parse, references

HEAD = "apiVersion: auriga.dev/v1alpha1\n"
MODEL = HEAD + "kind: Model\nmetadata: {name: cloud}\nspec:\n  external: {provider: openai, model: gpt}\n"
CHAIN = HEAD + "kind: RoleChain\nmetadata: {name: coding}\nspec:\n  members: [{model: cloud}]\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {token: t}\n"


def problems(*texts: str) -> list[str]:
    files = {f"{name}.yaml": text for name, text in zip("abc", texts, strict=False)}
    return [str(problem) for problem in parse(files).problems]


def test_objects_of_several_documents_and_files_are_found_by_namespace_and_name() -> None:
    other = MODEL.replace("name: cloud", "name: far, namespace: prod")
    manifests = parse(
        {"a.yaml": f"---\n{MODEL}---\n# nothing\n---\n{SECRET}", "b.yaml": CHAIN + "---\n" + other}, "team"
    )
    assert not manifests.problems
    assert sorted(manifests.models) == ["prod/far", "team/cloud"]
    assert list(manifests.chains) == ["team/coding"]
    assert manifests.secrets["team/keys"].values() == {"token": b"t"}


def test_an_origin_knows_the_line_of_each_field() -> None:
    origin = parse({"a.yaml": MODEL + "---\n" + CHAIN}).origins["RoleChain", "default/coding"]
    assert (origin.file, origin.line) == ("a.yaml", 7)
    assert origin.at("spec", "members", 0, "model") == 11
    assert origin.at("spec", "fallback", "deadline") == 10


def test_a_list_is_taken_apart_as_kubectl_does() -> None:
    text = "kind: List\nitems:\n" + textwrap.indent(MODEL, "  ").replace("  ", "- ", 1) + "- {kind: Modell}\n"
    manifests = parse({"a.yaml": text})
    assert list(manifests.models) == ["default/cloud"]
    assert {problem.line for problem in manifests.problems} == {8}
    assert [problem.message.partition(":")[0] for problem in manifests.problems] == [
        'unknown kind "Modell"; did you mean "Model"?',
        "apiVersion",
        "metadata",
        "spec",
    ]


def test_status_and_server_side_metadata_of_an_exported_object_are_left_out() -> None:
    text = MODEL.replace("{name: cloud}", "{name: cloud, uid: u, managedFields: [{manager: kubectl}]}")
    assert not problems(text + "status: {phase: Nonsense}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n  b: 2\n", "a.yaml:2: broken YAML: mapping values are not allowed here"),
        ("a:\n\tb: 2\n", "a.yaml:2: broken YAML: a tab cannot indent YAML: use spaces"),
        ("a: b\n---\n- x\n", "a.yaml:3: not a Kubernetes object: write apiVersion, kind, metadata and spec"),
        ("a: \x00", "a.yaml:1: the character #x0000 may not stand in YAML"),
        (HEAD + "metadata: {name: a}\n", "a.yaml:1: object default/a: kind: write one of Model, RoleChain, Secret"),
        (HEAD + "kind: Modell\n", 'a.yaml:2: Modell default/(no name): unknown kind "Modell"; did you mean "Model"?'),
        ("apiVersion: v1\nkind: ConfigMap\n", 'unknown kind "ConfigMap"; known: Model, RoleChain, Secret'),
        (HEAD + "kind: [Model]\n", "a.yaml:2: "),
        (MODEL.replace("v1alpha1", "v1"), 'apiVersion: write auriga.dev/v1alpha1, not "auriga.dev/v1"'),
        (HEAD + MODEL, "a.yaml:2: the key 'apiVersion' is there twice: keep one of them"),
        (MODEL.replace("cloud}", "c, lables: {}}"), 'metadata.lables: unknown field; did you mean "labels"?'),
        (MODEL + "  replicas: '3'\n", 'a.yaml:6: Model default/cloud: spec.replicas: write a whole number, not "3"'),
        (MODEL + "  tags: [on]\n", "spec.tags[0]: write a text, not the boolean true (put yes, no,"),
        (MODEL + "  base_url: x\n", "a.yaml:6: Model default/cloud: spec.base_url: unknown field"),
        (MODEL.replace("provider: openai", "provider: opena"), "external.provider: write openai, anthropic, "),
        (CHAIN + "  fallback:\n    on: [Connect]\n", 'Kubernetes reads the key on as a boolean: write "on" in quotes'),
        (CHAIN + "  fallback:\n    on: [Connect]\n", 'a.yaml:7: RoleChain default/coding: spec.fallback.on: unknown'),
        (CHAIN + "  fallback: {deadline: 20}\n", "deadline: write a time above zero with its unit, such as 500ms"),
        (CHAIN + "  description: 7\n", "spec.description: write a text, not the number 7 (put it in quotes)"),
        (SECRET + "data: {token: '%'}\n", "a.yaml:5: Secret default/keys: data.token: not base64: put the value in"),
    ],
)  # fmt: skip
def test_one_plain_line_for_each_mistake(text: str, expected: str) -> None:
    assert [problem for problem in problems(text) if expected in problem]


def test_of_two_objects_with_one_name_the_first_counts() -> None:
    assert problems(MODEL, MODEL) == [
        "b.yaml:1: Model default/cloud: defined twice, first in a.yaml:1: keep one of them"
    ]


def test_a_broken_document_hides_none_of_those_before_it() -> None:
    manifests = parse({"a.yaml": MODEL + "---\n[", "b.yaml": CHAIN})
    assert list(manifests.models) == ["default/cloud"]
    assert list(manifests.chains) == ["default/coding"]
    assert len(manifests.problems) == 1


@pytest.mark.parametrize("secret", ["hunter2", "4711"])
def test_no_problem_repeats_what_may_be_a_secret(secret: str) -> None:
    texts = [
        MODEL.replace("model: gpt", f"headers: {{a: [{secret}]}}")
        + f"  engine: {{env: [{{name: {secret}, value: [1]}}]}}",
        SECRET + f"data: {{b: {secret}%}}\n",
        SECRET.replace("{token: t}", f"{{token: [{secret}]}}"),
    ]
    found = parse(dict(zip("abc", texts, strict=True)))
    assert len(found.problems) >= 3
    assert secret not in repr(found)
    assert secret not in "".join(map(str, found.problems))


def test_aliases_and_merges_work_and_cannot_explode() -> None:
    chain = CHAIN.replace("{model: cloud}", "{<<: &a {model: cloud}, weight: 2}, {<<: *a, model: b}")
    members = parse({"a.yaml": chain}).chains["default/coding"].spec.members
    assert [(member.model, member.weight) for member in members] == [("cloud", 2), ("b", 1)]
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert problems(bomb) == ["a.yaml:1: broken YAML: its aliases grow too large"]
    assert problems("[" * 5000) == ["a.yaml:1: nested too deeply to be read"]
    assert problems("a: &a [*a]\n") == ["a.yaml:1: broken YAML: nested too deeply"]


def test_references_to_nothing_are_warnings_with_the_nearest_name() -> None:
    model = MODEL.replace("model: gpt", "credentialsSecretRef: {name: key, key: token}")
    chain = CHAIN.replace("[{model: cloud}]", "[{model: cloud}, {model: clout}]")
    manifests = parse({"a.yaml": model, "b.yaml": chain, "c.yaml": SECRET})
    found = references(manifests)
    assert [(problem.severity, problem.file, problem.line) for problem in found] == [
        ("warning", "a.yaml", 5), ("warning", "b.yaml", 5),
    ]  # fmt: skip
    assert [problem.message.split(": ", 1)[1] for problem in found] == [
        'there is no Secret "key" in namespace default; did you mean "keys"?',
        'there is no Model "clout" in namespace default; did you mean "cloud"?',
    ]


def test_a_chain_that_stays_local_but_has_only_the_cloud_is_a_warning() -> None:
    found = references(parse({"a.yaml": MODEL, "b.yaml": CHAIN + "  privacy: {localOnly: true}\n"}))
    assert [problem.message for problem in found] == [
        "spec.privacy.localOnly: all members are in the cloud, so that nobody may answer"
    ]


def test_a_secret_is_read_as_kubernetes_reads_it() -> None:
    text = SECRET + "immutable: null\ndata:\n  token: bm8=\n  none: null\n  folded: |\n    YWJj\n    ZGVm\n"
    secret = parse({"a.yaml": text}).secrets["default/keys"]
    assert secret.values() == {"token": b"t", "folded": b"abcdef"}
    (problem,) = problems(SECRET.replace("token: t", "a/b: t"))
    assert problem.startswith("a.yaml:4: Secret default/keys: stringData.a/b: write a key of its data: letters, digits")


def test_a_missing_key_of_a_secret_is_named_with_those_that_are_there() -> None:
    model = MODEL.replace("model: gpt", "credentialsSecretRef: {name: keys, key: api}")
    found = references(parse({"a.yaml": model, "c.yaml": SECRET}))
    assert [problem.message for problem in found] == [
        'spec.external.credentialsSecretRef.key: Secret "keys" has no key "api"; known: token'
    ]


def test_a_role_or_synonym_that_two_chains_claim_is_a_warning() -> None:
    first = CHAIN + "  synonyms: [dev, help]\n"
    second = CHAIN.replace("name: coding", "name: help") + "  synonyms: [dev, coding]\n"
    found = references(parse({"m.yaml": MODEL, "a.yaml": first, "b.yaml": second}))
    assert [problem.message for problem in found] == [
        'spec.synonyms[0]: "dev" is a synonym of RoleChain default/help too: keep it in one of them',
        'spec.synonyms[1]: "help" is the role of RoleChain default/help, which answers to it: remove it here',
        'spec.synonyms[0]: "dev" is a synonym of RoleChain default/coding too: keep it in one of them',
        'spec.synonyms[1]: "coding" is the role of RoleChain default/coding, which answers to it: remove it here',
    ]


def test_a_key_in_the_place_of_its_reference_is_not_repeated() -> None:
    text = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: cloud}
spec: {external: {provider: openai, model: m, credentialsSecretRef: sk-plain-secret}}
"""
    problems = parse({"m.yaml": text}).problems
    assert problems
    assert "sk-plain-secret" not in "".join(map(str, problems))


@pytest.mark.parametrize("value", ["!sk-plain", "*sk-plain"])
def test_a_secret_that_yaml_takes_for_something_else_is_not_repeated(value: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData:\n  api: {value}\n"
    (problem,) = parse({"s.yaml": text}).problems
    assert problem.line == 5
    assert "quotes" in problem.message
    assert "sk-plain" not in str(problem)


ROUNDS = """\
apiVersion: auriga.dev/v1alpha
kind: Modell
metadata: {name: a}
spec:
  source: {file: {path: x.gguf}, url: {url: 'ftp://x'}}
  external: {provider: openai}
  autoscaling: {minReplicas: 4, maxReplicas: 2, idleTimeot: 15 minutes}
  engine: {env: [{name: A, value: 1}, {name: A}]}
---
a: [1
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: coding}
spec:
  members: [{model: cloud}, {model: cloud}, {modl: missing}]
  privcy: {localOnly: 1}
"""


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Also what would come to light only when something else is right: below misspelt words, and between fields."""
    chain = "a.yaml:{}: RoleChain default/coding: spec.{}"
    model = "a.yaml:{}: Modell default/a: {}"
    assert sorted(problems(ROUNDS), key=lambda text: int(text.split(":")[1])) == [
        model.format(1, 'apiVersion: write auriga.dev/v1alpha1, not "auriga.dev/v1alpha"'),
        model.format(2, 'unknown kind "Modell"; did you mean "Model"?'),
        model.format(4, "spec: set exactly one of source (weights that are served here) and external (a provider)"),
        model.format(5, "spec.source.url.url: write an http or https address without a user or password in it, such as"
                        " https://host/path"),
        model.format(5, "spec.source: set exactly one of huggingFace, url, volume, image and file"),
        model.format(7, 'spec.autoscaling.idleTimeot: unknown field; did you mean "idleTimeout"?'),
        model.format(7, "spec.autoscaling.idleTimeout: write a time above zero with its unit, such as 500ms, 30s or"
                        " 1h30m"),
        model.format(7, "spec.autoscaling.minReplicas: minReplicas must not be above maxReplicas"),
        model.format(7, "spec.autoscaling: autoscaling is for weights that are served here: remove it, or set source"
                        " instead of external"),
        model.format(8, "spec.engine.env[0].value: write a text"),
        model.format(8, 'spec.engine.env[1]: "A" is there twice: keep one of them'),
        "a.yaml:11: broken YAML: while parsing a flow sequence expected ',' or ']', but got '<document start>'",
        chain.format(16, 'members[2].modl: unknown field; did you mean "model"?'),
        chain.format(16, 'members[1]: "cloud" is there twice: keep one of them'),
        chain.format(17, 'privcy: unknown field; did you mean "privacy"?'),
        chain.format(17, "privacy.localOnly: write true or false, not the number 1"),
    ]  # fmt: skip


def test_an_object_that_is_broken_is_there() -> None:
    broken = MODEL + "  replicas: -1\n"
    manifests = parse({"a.yaml": broken, "b.yaml": CHAIN, "c.yaml": broken})
    assert references(manifests) == ()
    assert [str(problem) for problem in manifests.problems if "twice" in problem.message] == [
        "c.yaml:1: Model default/cloud: defined twice, first in a.yaml:1: keep one of them"
    ]


def test_other_projects_objects_of_a_similar_kind_are_not_taken_for_ours() -> None:
    (found,) = problems("apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a}\nspec: {}\n")
    assert 'unknown kind "SecretStore"' in found
    (found,) = problems("apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {name: a}\nspec: {engine: VLLM}\n")
    assert "apiVersion: write auriga.dev/v1alpha1" in found


def test_after_a_broken_document_the_next_ones_are_read_at_their_lines() -> None:
    manifests = parse({"a.yaml": f"a: [\n---\n{MODEL}---\n]\n---\n{CHAIN}"})
    assert (list(manifests.models), list(manifests.chains)) == (["default/cloud"], ["default/coding"])
    lines = MODEL.count("\n")
    assert manifests.origins["Model", "default/cloud"].line == 3
    assert manifests.origins["RoleChain", "default/coding"].line == 6 + lines
    assert [problem.line for problem in manifests.errors] == [2, 4 + lines]
