"""What the suite tells at its end: what ran, what stood in, seconds, memory, sizes."""

import io
import json
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from support.compose.bases import Found
from support.compose.project import Project

MEBIBYTE = 2**20


@dataclass
class Summary:
    """Filled by the fixtures and tests, told at the end."""

    bases: list[Found] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each image of ours: its bytes, and those of the base among them."""
    build_seconds: float = 0
    cold_start: float = 0
    services: list[tuple[str, str, float, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def built(self, project: Project) -> None:
        """Build our images, and note how long it took and how large they are."""
        since = time.monotonic()
        ours = ours_of(project)
        project.compose("build", *ours, timeout=1800)
        self.build_seconds = time.monotonic() - since
        self.sizes = {tag: (_size(project, tag), _size(project, _base(project, tag))) for tag in sorted(ours.values())}

    def started(self, project: Project) -> None:
        """Note each service as it is after the first start."""
        stands_in = {base.tag for base in self.bases if not base.is_real}
        configured = project.configuration()["services"]
        memory = memory_of(project)
        for name in project.services():
            tag = configured[name]["image"]
            kind = "ours" if tag.startswith("tradewind/") else "stand-in" if tag in stands_in else "real"
            self.services.append((name, kind, project.ready.get(name, -1), memory.get(name, 0)))

    def text(self) -> str:
        """All of it, as tables; empty when nothing ran."""
        if not self.bases:
            return ""
        console = Console(file=io.StringIO(), width=150)
        for table in (self._bases(), self._services()):
            console.print()
            console.print(table)
        for tag, (size, base) in self.sizes.items():
            console.print(f"{tag}: {size / 1e6:.0f} MB, {(size - base) / 1e6:.0f} of it ours")
        console.print(f"build {self.build_seconds:.0f} s, cold start {self.cold_start:.0f} s")
        for note in self.notes:
            console.print(note, markup=False)
        return str(console.file.getvalue())  # type: ignore[attr-defined]  # the StringIO from above

    def _bases(self) -> Table:
        table = Table("image", "is", "how it differs", title="Base images")
        for base in self.bases:
            table.add_row(base.tag, "real" if base.is_real else "stand-in", base.difference)
        for tag, why in self.left_out.items():
            table.add_row(tag, "left out", why)
        return table

    def _services(self) -> Table:
        table = Table("service", "image", "ready after, s", "memory, MiB", title="Services")
        for name, kind, ready, memory in sorted(self.services, key=lambda row: row[2]):
            table.add_row(name, kind, f"{ready:.0f}", f"{memory:.0f}" if memory else "-")
        table.add_row("all", "", f"{self.cold_start:.0f}", f"{sum(row[3] for row in self.services):.0f}")
        return table


def ours_of(project: Project) -> dict[str, str]:
    """The services that Compose builds, and the tags of what it builds."""
    services = project.configuration()["services"]
    return {name: services[name]["image"] for name in project.services() if "build" in services[name]}


def memory_of(project: Project) -> dict[str, float]:
    """The memory of each service's containers together, MiB, as the engine counts it."""
    used: dict[str, float] = {}
    names = {one.name: one.service for one in project.containers() if one.pid}
    said = project.engine.docker("stats", "--no-stream", "--format", "{{json .}}", *names)
    for row in map(json.loads, said.splitlines()):
        service = names[row["Name"]]
        used[service] = used.get(service, 0) + _mebibytes(row["MemUsage"].split("/")[0].strip())
    return used


def _mebibytes(text: str) -> float:
    units = {"GiB": 1024.0, "MiB": 1.0, "KiB": 1 / 1024, "B": 1 / MEBIBYTE}
    unit = next(name for name in units if text.endswith(name))
    return float(text.removesuffix(unit)) * units[unit]


def _size(project: Project, tag: str) -> int:
    return int(project.engine.docker("image", "inspect", "--format", "{{.Size}}", tag))


def _base(project: Project, tag: str) -> str:
    label = "org.opencontainers.image.base.name"
    return project.engine.docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{label}"}}}}', tag).strip()
