"""Writes what was found: the raw results as JSON, and the tables into docs/benchmarks.md between two markers."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from routerbench import sizes, tables
from routerbench.effort import Effort
from routerbench.figures import Figures
from routerbench.peers import Launch
from routerbench.samples import Results
from routerbench.sizes import Size

BEGIN = "<!-- begin: written by bench/router.py, do not edit -->"
END = "<!-- end: written by bench/router.py -->"


@dataclass(frozen=True, slots=True)
class Record:
    """One run, with all that is needed to repeat it."""

    date: datetime.date
    machine: Mapping[str, str]
    effort: Effort
    versions: Mapping[str, str]
    launches: Mapping[str, Launch]
    load_commands: Sequence[str]
    results: Results
    sizes: Sequence[Size]
    places: Mapping[str, str]
    """Folders and ports of this run, and what stands for them in commands; a folder before the one that holds it."""

    def markdown(self) -> str:
        heading = f"Measured {self.date.isoformat()}. {self._machine()} {self._effort()}"
        versions = "Versions: " + ", ".join(f"{name} {version}" for name, version in self.versions.items()) + "."
        parts = [heading, versions, tables.all_tables(Figures(self.results))]
        if self.sizes:
            parts += ["### Own work of a request, by size of the world (bench/router_work.py)", sizes.table(self.sizes)]
        parts += ["### Commands", self._commands()]
        return "\n\n".join(parts) + "\n"

    def raw(self) -> str:
        value = {
            "date": self.date.isoformat(),
            "machine": dict(self.machine),
            "effort": asdict(self.effort),
            "versions": dict(self.versions),
            "commands": {name: self._placed(_shell(launch)) for name, launch in self.launches.items()},
            "load": [self._placed(command) for command in self.load_commands],
            "sizes": [asdict(size) for size in self.sizes],
            **asdict(self.results),
        }
        return json.dumps(value, indent=1) + "\n"

    def _machine(self) -> str:
        facts = self.machine
        kind = "virtual machine" if facts["virtual"] == "yes" else "machine"
        hardware = f"A {kind} with {facts['cores']} cores ({facts['processor']}) and {facts['memory']} of memory"
        priority = "" if facts["niceness"] == "0" else f" The run had niceness {facts['niceness']}."
        return f"{hardware}, {facts['system']}, Python {facts['python']}.{priority}"

    def _effort(self) -> str:
        rounds, turns, seconds = self.effort.rounds, self.effort.turns, self.effort.seconds
        return (
            f"Rounds: {rounds}, each with {turns} slices of {seconds:g} seconds of each program and load by turns."
            " Median (lower to upper quartile); differences and ratios are those of the slices of one turn."
        )

    def _commands(self) -> str:
        routers = [f"# {name}\n{self._placed(_shell(launch))}" for name, launch in self.launches.items()]
        text = "\n".join([*routers, "# load", *(self._placed(command) for command in self.load_commands)])
        blocks = [f"```sh\n{text}\n```"]
        for name, launch in self.launches.items():
            if launch.configuration:
                blocks.append(f"Configuration of {name}:\n\n```\n{self._placed(launch.configuration).rstrip()}\n```")
        return "\n\n".join(blocks)

    def _placed(self, text: str) -> str:
        for place, name in self.places.items():
            text = text.replace(place, name)
        return text


def spliced(document: str, generated: str) -> str:
    """The document with what stands between its markers replaced."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs the two lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{generated}\n{END}{after}"


def write(record: Record, document: Path, results: Path) -> None:
    document.write_text(spliced(document.read_text(), record.markdown()))
    results.parent.mkdir(exist_ok=True)
    results.write_text(record.raw())


def _shell(launch: Launch) -> str:
    environment = [f"{name}={value}" for name, value in launch.env.items()]
    return " ".join([*environment, *launch.argv])
