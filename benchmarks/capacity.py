"""`python benchmarks/capacity.py`: what rates of events need, computed from what was measured.

Arithmetic over `results/*.json`. `make bench` puts the tables into docs/scaling.md; a test holds the two together.
"""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from capacity_model import (
    BUSY,
    DAY,
    GIB,
    LEDGER_RECORDS,
    MIB,
    MONTH,
    REPLICAS,
    RUN_DAYS,
    STATES,
    TOLD_PER_S,
    TOPIC_DAYS,
    Load,
    Measured,
)
from figures import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "scaling.md"
BEGIN, END = "<!-- capacity: begin -->\n", "<!-- capacity: end -->"

RATES = {"1/s": 1.0, "100 M a month": 1e8 / MONTH, "100/s": 100.0, "1,000/s": 1_000.0, "10,000/s": 10_000.0}

SOURCES = {
    "event_bytes": ("a trigger on `workflow-events`, bytes", "throughput", "event_workflow_events_topic_bytes"),
    "status_bytes": ("a status event on `workflow-status`, bytes", "throughput", "event_workflow_status_topic_bytes"),
    "facade_ms": ("an event: facade, ms of a core", "throughput", "event_facade_cpu_ms"),
    "broker_ms": ("… broker", "throughput", "event_broker_cpu_ms"),
    "triggerer_ms": ("… ingestion and lifecycle, in the triggerer", "throughput", "event_triggerer_cpu_ms"),
    "api_server_ms": ("… API server", "throughput", "event_api_server_cpu_ms"),
    "record_ms": ("a record that the ledger of a facade reads, ms", "throughput", "ledger_record_cpu_ms"),
    "ingested_per_s": ("a burst through one ingestion consumer, runs a second", "event-to-run", "burst_runs_per_s"),
    "scheduler_ms": (
        "a run of one task that does nothing: scheduler, ms",
        "growth",
        "executed_grow_task_scheduler_cpu_ms",
    ),
    "task_ms": ("… the task's own processes, ms", "growth", "executed_grow_task_tasks_cpu_ms"),
    "task_api_ms": ("… API server, which they report to, ms", "growth", "executed_grow_task_api_cpu_ms"),
    "postgres_ms": (
        "… Postgres, its creation included, ms",
        "growth",
        "created_grow_1_postgres_cpu_ms + executed_grow_task_postgres_cpu_ms",
    ),
    "run_bytes": (
        "… rows and indexes in Postgres, bytes",
        "growth",
        "created_grow_1_disk_bytes + scheduled_grow_1_disk_bytes + executed_grow_task_other_bytes",
    ),
    "wal_bytes": (
        "… write-ahead log, its deletion included, bytes",
        "growth",
        "created_grow_1_wal_bytes + executed_grow_task_wal_bytes + deleted_wal_bytes",
    ),
    "deleted_per_s": ("runs that a DELETE forgets in a second", "growth", "deleted_runs_per_s"),
    "agent_ms": ("an agent run (`settlement_fail_triage`): agents, ms", "throughput", "agent_run_agents_cpu_ms"),
    "agent_postgres_ms": ("… Postgres, ms", "throughput", "agent_run_postgres_cpu_ms"),
    "agent_bytes": ("… its row, checkpoints and indexes, bytes", "throughput", "agent_run_disk_bytes"),
}
"""What the model is fed -> what that is, the benchmark, and its figures, added up."""

Row = tuple[str, str, Callable[[Load], float]]
ROWS: tuple[Row, ...] = (
    ("events a day, millions", "r x 86,400", lambda load: load.rate * DAY / 1e6),
    ("**Kafka**: in, MiB/s", "r x (event + 3 status)", lambda load: load.kafka_in / MIB),
    ("out, MiB/s", "r x (6 event + 3 x 4 status)", lambda load: load.kafka_out / MIB),
    (
        "disk of all brokers, GiB",
        f"in x {TOPIC_DAYS} days x {REPLICAS} replicas",
        lambda load: load.kafka_disk / GIB,
    ),
    ("cores of all brokers", f"r x ms x {REPLICAS}", lambda load: load.cores(load.one.broker_ms * REPLICAS)),
    ("partitions", "2 x the larger group, 6 at least", lambda load: load.partitions),
    ("**Facades**: a core's part for reading, each", "r x 4 records", lambda load: load.reading),
    (
        "seconds until a new one is ready",
        f"{LEDGER_RECORDS:,} of each topic, or 24 h; / (1 - reading)",
        lambda load: load.start_seconds,
    ),
    ("facades", f"r x ms / ({BUSY} - reading), 2 at least", lambda load: load.facades),
    ("**Ingestion** consumers", f"r / (burst x {BUSY})", lambda load: load.consumers),
    ("**Lifecycle** publishers", f"{STATES} r / ({TOLD_PER_S:,} x {BUSY})", lambda load: load.publishers),
    ("cores for both in the triggerers", "r x ms", lambda load: load.cores(load.one.triggerer_ms)),
    ("**API server** processes", f"r x both ms / {BUSY}, 2 at least", lambda load: load.api_servers),
    ("**Schedulers**, at least", f"r x ms / {BUSY}", lambda load: load.schedulers),
    ("cores for tasks that do nothing", "r x ms", lambda load: load.cores(load.one.task_ms)),
    ("**Postgres** of Airflow: cores", "r x ms", lambda load: load.cores(load.one.postgres_ms)),
    ("growth a month, GiB", "r x run x 30 days", lambda load: load.rows_a_month / GIB),
    (
        f"disk at {RUN_DAYS} days, 30 % free, GiB",
        "growth / 0.7",
        lambda load: load.rows_a_month * RUN_DAYS / 30 / 0.7 / GIB,
    ),
    ("write-ahead log, MiB/s", "r x log", lambda load: load.rate * load.one.wal_bytes / MIB),
    ("deleting, hours a day", "r x 24 / DELETE", lambda load: load.deleting * 24),
    ("connections, at most", "15 a process", lambda load: load.connections),
    ("**Agents** replicas, were all events theirs", f"r x ms / {BUSY}, 2 at least", lambda load: load.agents),
    ("Postgres cores for them", "r x ms", lambda load: load.cores(load.one.agent_postgres_ms)),
    (
        "growth a month for them, GiB",
        "r x run x 30 days",
        lambda load: load.rate * MONTH * load.one.agent_bytes / GIB,
    ),
)


def measured(results: Path = RESULTS) -> Measured:
    """Read what `make bench` left behind."""
    found = {name: json.loads((results / f"{name}.json").read_text())["figures"] for _, name, _ in SOURCES.values()}
    return Measured(
        **{
            field: sum(float(found[name][figure]) for figure in figures.split(" + "))
            for field, (_, name, figures) in SOURCES.items()
        }
    )


def tables(one: Measured) -> str:
    """Return what the model is fed, and what comes out of it, as Markdown."""
    fed = [f"| {what} | {_number(getattr(one, field))} | `{name}` |" for field, (what, name, _) in SOURCES.items()]
    loads = [Load(rate, one) for rate in RATES.values()]
    rows = [_line([name, how, *(_number(value(load)) for load in loads)]) for name, how, value in ROWS]
    return "\n".join(
        [
            "| measured, for one | | by `make bench NAME=` |",
            "|---|---:|---|",
            *fed,
            "",
            _line(["r events a second", "formula", *RATES]),
            _line(["---", "---", *["---:"] * len(RATES)]),
            *rows,
            "",
        ]
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    if math.isinf(value):
        return "no number is enough"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def with_tables(page: str, one: Measured) -> str:
    """Return the page with the tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables(one)}{END}{after}"


def write() -> None:
    """Replace the tables in the page."""
    PAGE.write_text(with_tables(PAGE.read_text(), measured()))


if __name__ == "__main__":
    print(tables(measured()))
