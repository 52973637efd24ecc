"""What a cluster is like, in the words of kubectl: for the report of a scenario that failed."""

from e2e.kubectl import Kubectl, TroubleError
from e2e.release import NAMESPACE

LINES = 40


def sections(kubectl: Kubectl) -> list[tuple[str, str]]:
    """Titles and texts: objects and events of the scenario's namespace, then the ends of the programs' logs."""
    system = Kubectl(kubectl.kubeconfig, NAMESPACE)
    logs = [f"--tail={LINES}", "--prefix", "--all-containers"]
    return [
        _section(kubectl, "get", "models,rolechains,deployments,jobs,pods", "--output=wide"),
        _section(kubectl, "get", "models,rolechains", "--output=jsonpath={range .items[*]}{.kind} {.status}\n{end}"),
        _section(kubectl, "get", "events", "--sort-by=.lastTimestamp"),
        _section(kubectl, "logs", "--selector=app.kubernetes.io/managed-by=auriga", *logs),
        _section(system, "get", "pods", "--output=wide"),
        _section(system, "logs", "--selector=app.kubernetes.io/component=operator", *logs),
        _section(system, "logs", "--selector=app.kubernetes.io/component=router", *logs),
    ]


def _section(kubectl: Kubectl, *arguments: str) -> tuple[str, str]:
    try:
        text = kubectl.run(*arguments, "--request-timeout=10s")
    except TroubleError as error:
        text = str(error)
    return f"kubectl --namespace={kubectl.namespace} {' '.join(arguments)}", text
