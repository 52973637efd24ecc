"""The only pod dies in the middle of streams: each goes on from its successor, and its client notices nothing."""

from collections.abc import Callable

from e2e import load, pods
from e2e.kubectl import Kubectl, Object

COUNTED = " ".join(map(str, range(1, 101)))
WORKERS = 16


def test_streams_go_on_from_the_pod_that_takes_the_place_of_a_deleted_one(kubectl: Kubectl, system: Kubectl) -> None:
    def delete(pod: Object) -> None:
        kubectl.run("delete", f"pod/{pod['metadata']['name']}", "--force", "--grace-period=0")

    before, after = _streams_outlive(delete, kubectl, system)

    assert after["metadata"]["uid"] != before["metadata"]["uid"]


def test_streams_go_on_from_the_pod_whose_engine_was_killed(kubectl: Kubectl, system: Kubectl) -> None:
    before, after = _streams_outlive(lambda pod: pods.kill_container(pod, "engine"), kubectl, system)

    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert [container["restartCount"] for container in after["status"]["containerStatuses"]] == [1]


def _streams_outlive(end: Callable[[Object], None], kubectl: Kubectl, system: Kubectl) -> tuple[Object, Object]:
    """The pod that streams flowed from before its `end`, and the one after."""
    kubectl.wait("condition=Ready", "model/demo")
    before = _pod(kubectl)
    running = load.start(kubectl, "assistant", workers=WORKERS, streams="all", question="Count to 100")
    # They run abreast: now the first of them has just begun anew, and no stream ends before the pod does.
    running.until("an answer of each", lambda answers: len(answers) >= WORKERS)

    end(before)

    running.more(2 * WORKERS)
    answers = running.stop()
    assert load.lost(answers) == []
    assert {answer["text"] for answer in answers} == {COUNTED}
    broken = {attempt["request_id"] for attempt in load.attempts(system, kubectl) if attempt["outcome"] == "Cut"}
    assert broken & {answer["request"] for answer in answers}
    return before, _pod(kubectl)


def _pod(kubectl: Kubectl) -> Object:
    (found,) = kubectl.get("pods", "--selector=auriga.dev/model=demo")["items"]
    return dict(found)
