"""A Model that nobody asks has no pods; one request starts it, many make it grow, and in the end it is gone again.

The operator that decides is killed in the middle. With AURIGA_TIMELINE=FILE what happened is written there.
"""

import os
from pathlib import Path

from e2e import load, pods
from e2e.kubectl import Kubectl
from e2e.timeline import Timeline

SCRIPT = Path(__file__).parents[1] / "open_loop.py"
RATE, SECONDS, CROWD = 1.5, 40, 12
SLICES = "endpointslices --selector=kubernetes.io/service-name=model-demo"


def test_from_zero_to_three_and_back_with_nothing_lost(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("jsonpath={.status.phase}=ScaledToZero", "model/demo")
    kubectl.wait("create", "deployment/model-demo")
    kubectl.wait("jsonpath={.spec.replicas}=0", "deployment/model-demo")
    timeline = Timeline()
    with timeline.following(
        kubectl,
        desired=("model/demo", "{.status.autoscaling.desired}"),
        ready=("model/demo", "{.status.readyReplicas}"),
        replicas=("deployment/model-demo", "{.spec.replicas}"),
        endpoints=(SLICES, "{.endpoints[*].conditions.ready}"),
    ):
        running = load.launch(kubectl, SCRIPT, f"{kubectl.namespace}/assistant", str(RATE), str(SECONDS), str(CROWD))
        cold, warm = running.until("answer from zero", lambda answers: len(answers) > 1)[:2]
        assert load.lost([cold, warm]) == []
        assert kubectl.get("model/demo")["status"]["autoscaling"]["desired"] == 1

        kubectl.run("exec", running.name, "--", "touch", "/tmp/go")
        kubectl.wait("jsonpath={.status.readyReplicas}=3", "model/demo")
        leader = system.get("lease/auriga-operator")["spec"]["holderIdentity"].rpartition("-")[0]
        pods.kill(system.get("pod", leader))
        answers = running.finished()
        kubectl.wait("jsonpath={.status.phase}=ScaledToZero", "model/demo")
        load.until("end of its pods", lambda: not kubectl.get("pods", "--selector=auriga.dev/model=demo")["items"])
        events = _scaled(kubectl)

    assert load.lost(answers) == []
    assert len(answers) > RATE * SECONDS * CROWD / 2
    assert events[0] == "0 -> 1"
    assert events[-1].endswith("-> 0")
    assert any(step.endswith("-> 3") for step in events)
    # Not before the load was over: whoever took over knew that there was one.
    assert timeline.first("replicas", cold["sent"] + 1, "0") > max(answer["sent"] for answer in answers)
    _write(timeline, answers, events)


def _scaled(kubectl: Kubectl) -> list[str]:
    """The steps that Events tell, oldest first."""
    items = [each for each in kubectl.get("events")["items"] if each["reason"] == "Scaled"]
    items.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    return [each["message"].partition(" replicas:")[0] for each in items]


def _write(timeline: Timeline, answers: list[load.Answer], events: list[str]) -> None:
    cold, warm = answers[:2]
    asked = timeline.first("replicas", cold["sent"], "1") - cold["sent"]
    there = next(at for at, value in timeline.moments["endpoints"] if at >= cold["sent"] and "true" in value)
    answered = cold["first"] - there
    usual = warm["first"] - warm["sent"]
    figures = {"asked": asked, "starts": there - cold["sent"] - asked, "answered": answered, "usual": usual}
    figures |= {"overhead": asked + answered - usual}
    print({name: f"{value * 1000:.0f} ms" for name, value in figures.items()}, events)
    if file := os.environ.get("AURIGA_TIMELINE"):
        timeline.write(Path(file), requests=answers, events=events, figures=figures)
