"""What a piece of work costs: processor time by process, and what Postgres writes and keeps for it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import psutil
import psycopg

from figures import Figures

_SIZES = (
    "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def own_seconds(pid: int | None) -> float:
    """Processor seconds of a process itself, user and system; none while it does not run."""
    return sum(psutil.Process(pid).cpu_times()[:2]) if pid else 0.0


def tree_seconds(pid: int | None) -> float:
    """The same with all that descend or descended from it, as far as they were waited for."""
    if not pid:
        return 0.0
    first = psutil.Process(pid)
    spent = 0.0
    for process in (first, *first.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])  # the last two are of children that ended
    return spent


@dataclass
class Meter:
    """Reads what processes have spent (a name and how to ask) and one database, before and after."""

    database_url: str
    processes: Mapping[str, Callable[[], float]]

    @contextlib.contextmanager
    def measuring(self) -> Iterator["Cost"]:
        """Measure the block; the cost is complete when it has ended."""
        cost, before = Cost(), self._now()
        yield cost
        after = self._now()
        cost.seconds = {name: after.seconds[name] - spent for name, spent in before.seconds.items()}
        cost.wal = after.wal - before.wal
        cost.tables = _difference(after.tables, before.tables)
        cost.indexes = _difference(after.indexes, before.indexes)

    def _now(self) -> "Cost":
        seconds = {name: spent() for name, spent in self.processes.items()}
        with psycopg.connect(self.database_url, autocommit=True) as database:
            sizes = database.execute(_SIZES).fetchall()
            (wal,) = database.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone() or (0,)
        return Cost(seconds, int(wal), {name: rows for name, rows, _ in sizes}, {name: own for name, _, own in sizes})


@dataclass
class Cost:
    """Processor seconds by process; bytes of write-ahead log; bytes by table, rows (with TOAST) and indexes apart."""

    seconds: dict[str, float] = field(default_factory=dict)
    wal: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)

    def without(self, idle: "Cost", share: float) -> "Cost":
        """Leave out what the same processes spend and write when there is nothing to do, for `share` of its time."""
        seconds = {name: spent - share * idle.seconds[name] for name, spent in self.seconds.items()}
        return replace(self, seconds=seconds, wal=round(self.wal - share * idle.wal))

    def per(self, count: int, *kept: str) -> Figures:
        """Return the cost of one of `count`; `kept` are the tables to name, all others are added up."""
        figures = {f"{name}_cpu_ms": 1000 * spent / count for name, spent in self.seconds.items()}
        figures |= {f"{name}_bytes": self.tables.get(name, 0) / count for name in kept}
        figures |= {f"{name}_index_bytes": self.indexes.get(name, 0) / count for name in kept}
        others = [name for name in self.tables if name not in kept]
        figures["other_bytes"] = sum(self.tables[name] + self.indexes.get(name, 0) for name in others) / count
        figures["disk_bytes"] = (sum(self.tables.values()) + sum(self.indexes.values())) / count
        return figures | {"wal_bytes": self.wal / count}


def _difference(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: size - before.get(name, 0) for name, size in after.items() if size != before.get(name, 0)}
