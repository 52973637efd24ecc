"""How a status looks on a terminal: one table of Models and one of RoleChains, as kubectl would draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from auriga_cli.console import printable
from auriga_cli.remote.report import Endpoint, Member, Model, Report, RoleChain

_STYLES = {"Ready": "green", "Degraded": "yellow", "Failed": "red", "Suspended": "dim", "ScaledToZero": "dim"}
_WORKING = "cyan"
_REASONS = {"Open": "breaker open", "HalfOpen": "breaker half open", "RateLimited": "rate limited"}
"""What the states of a breaker mean where only a reason is shown."""


def tables(report: Report, wide: bool) -> Group:
    """Both tables; ``wide`` adds endpoints, and what stands behind each phase."""
    several = len(report.namespaces) > 1
    models = _table(("MODEL", "WHERE", "PHASE", "READY", "IN FLIGHT", *(("ENDPOINTS",) if wide else ()), "MESSAGE"))
    for model in report.models:
        models.add_row(*_model(model, several, wide))
    chains = _table(("ROLE", "READY", "SERVED BY", "SYNONYMS", "MEMBERS"))
    for chain in report.role_chains:
        chains.add_row(*_chain(chain, several, wide))
    parts = [models if report.models else Text("no Models"), Text(), chains if report.role_chains else Text("no roles")]
    if silent := report.silent_workers:
        told = f"{len(silent)} of {len(report.workers)} workers of this router do not answer: {', '.join(silent)}"
        parts += [Text(), Text(printable(f"{told}. What is shown is without them."), style="yellow")]
    return Group(*parts)


def _table(headers: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, no_wrap=header in ("PHASE", "READY"), overflow="fold")
    return table


def _model(model: Model, several: bool, wide: bool) -> Iterator[Text]:
    yield _name(model.namespace, model.name, several)
    yield Text(printable(model.locality))
    yield Text(printable(_phase(model)), style=_STYLES.get(model.phase, _WORKING))
    yield Text(f"{model.ready_replicas}/{model.replicas}" if model.replicas else "-")
    queued = f" +{model.queued} queued" if model.queued else ""
    yield Text(f"{sum(endpoint.in_flight for endpoint in model.endpoints)}{queued}")
    if wide:
        yield Text("\n".join(map(_endpoint, model.endpoints)) or "-")
    yield Text(printable(model.message or model.reason), style="" if model.phase in ("Failed", "Degraded") else "dim")


def _endpoint(endpoint: Endpoint) -> str:
    breaker = "" if endpoint.breaker == "Closed" else f", breaker {endpoint.breaker}"
    return printable(f"{endpoint.address} ({endpoint.in_flight} in flight{breaker})")


def _phase(model: Model) -> str:
    if model.phase != "Downloading" or model.download is None:
        return model.phase
    left = f", {model.download.eta} left" if model.download.eta else ""
    return f"{model.phase} {model.download.percent}%{left}"


def _chain(chain: RoleChain, several: bool, wide: bool) -> Iterator[Text]:
    yield _name(chain.namespace, chain.role, several)
    yield Text("yes", style="green") if chain.ready else Text("no", style="red")
    yield Text(printable(chain.active_member or "") or "-")
    yield Text(printable(", ".join(chain.synonyms)) or "-")
    yield Text(", ").join(_member(member, wide) for member in chain.members)


def _member(member: Member, wide: bool) -> Text:
    why = _REASONS.get(member.reason, member.reason) or "not ready"
    name = printable(member.model)
    if member.ready:
        return Text(f"{name} ({member.ready_endpoints})" if wide else name, style="green")
    return Text(printable(f"{name} ({why})"), style="red")


def _name(namespace: str, name: str, several: bool) -> Text:
    return Text(printable(f"{namespace}/{name}" if several else name))
