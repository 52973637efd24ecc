"""A live table of the Models that are coming up, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from auriga_api.model import Download, ModelStatus
from auriga_cli.local.memory import human_size


class LiveTable:
    """Shown while there is something to show, gone afterwards. Draws when told to: it has no thread of its own."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def show(self, statuses: Mapping[str, ModelStatus]) -> None:
        """Draws one row for each Model; none takes the table away."""
        if not statuses:
            self.close()
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(table(statuses), refresh=True)

    def close(self) -> None:
        """Takes the table away."""
        if self._live:
            self._live.stop()
            self._live = None


def table(statuses: Mapping[str, ModelStatus]) -> Table:
    """Name, phase, bar, and how far it is."""
    grid = Table.grid(padding=(0, 2))
    for key, status in statuses.items():
        condition = status.conditions[0]
        detail = _bytes(status.download) if status.download else condition.message
        grid.add_row(
            Text(key.removeprefix("default/"), "bold"), status.phase.lower(), _bar(status), Text(detail, "dim")
        )
    return grid


def _bar(status: ModelStatus) -> ProgressBar:
    if status.download:
        return ProgressBar(total=max(1, status.download.total_bytes), completed=status.download.bytes, width=30)
    return ProgressBar(total=None, width=30)


def _bytes(download: Download) -> str:
    left = f", {download.eta} left" if download.eta else ""
    return f"{download.percent} %, {human_size(download.bytes)} of {human_size(download.total_bytes)}{left}"
