"""What a steady rate of events needs, by arithmetic alone; `Measured` is what it is fed."""

import math
from dataclasses import dataclass

DAY, MONTH = 86_400, 30 * 86_400
MIB, GIB = 2**20, 2**30

TOPIC_DAYS, REPLICAS = 7, 3
RUN_DAYS = 30
"""Days for which runs that have ended stay in Postgres."""
BUSY = 0.7
"""Of a core, and of a consumer: what is left is for peaks, rebalances and catching up."""
FACADES = 2
STATES = 3
"""Status events of a run: queued, running, ended."""
TOLD_PER_S = 1_350
"""Status events a second of one lifecycle publisher: ADR 8, 10,000 in 7.4 s."""
LEDGER_RECORDS = 200_000
"""Of each topic, what a facade that starts reads at most: 2 x `LEDGER_MAX_RUNS`; or 24 h of it."""
POOL = 15
"""Connections of each Airflow process: `sql_alchemy_pool_size` 5 and `sql_alchemy_max_overflow` 10."""


@dataclass(frozen=True)
class Measured:
    """Per event, per DAG run of one task, per agent run: bytes, milliseconds of a core, and rates a second."""

    event_bytes: float
    status_bytes: float
    facade_ms: float
    record_ms: float
    broker_ms: float
    triggerer_ms: float
    api_server_ms: float
    ingested_per_s: float
    scheduler_ms: float
    task_ms: float
    task_api_ms: float
    postgres_ms: float
    run_bytes: float
    wal_bytes: float
    deleted_per_s: float
    agent_ms: float
    agent_postgres_ms: float
    agent_bytes: float


@dataclass(frozen=True)
class Load:
    """A rate of events a second: of DAG runs of one task, or of agent runs."""

    rate: float
    one: Measured

    def cores(self, milliseconds: float) -> float:
        """Cores that are busy all the time with so much work for each event."""
        return self.rate * milliseconds / 1000

    def processes(self, milliseconds: float, least: int = 1) -> int:
        """Processes of one core each, as a Python process has, that are at work `BUSY` of the time."""
        return max(least, math.ceil(self.cores(milliseconds) / BUSY))

    @property
    def kafka_in(self) -> float:
        """Bytes a second that producers write."""
        return self.rate * (self.one.event_bytes + STATES * self.one.status_bytes)

    @property
    def kafka_out(self) -> float:
        """Bytes a second to the other replicas and to consumers: both groups read events, each facade reads all."""
        events = self.one.event_bytes * (REPLICAS - 1 + 2 + FACADES)
        return self.rate * (events + STATES * self.one.status_bytes * (REPLICAS - 1 + FACADES))

    @property
    def kafka_disk(self) -> float:
        """Bytes of all brokers together at retention."""
        return self.kafka_in * TOPIC_DAYS * DAY * REPLICAS

    @property
    def partitions(self) -> int:
        """Of `workflow-events`: each member of the larger group can be doubled."""
        return max(6, 2 * max(self.consumers, self.agents))

    @property
    def reading(self) -> float:
        """Of one core, what each facade's ledger takes to read all events and all status events."""
        return self.cores(self.one.record_ms * (1 + STATES))

    @property
    def start_seconds(self) -> float:
        """Until a new facade has read its part of both topics and what comes meanwhile; a core to itself."""
        stored = sum(min(states * self.rate * DAY, LEDGER_RECORDS) for states in (1, STATES))
        left = 1 - self.reading
        return stored * self.one.record_ms / 1000 / left if left > 0 else math.inf

    @property
    def facades(self) -> float:
        """Two at least, so that one may die; they share the triggers, and each of them reads all records."""
        left = BUSY - self.reading
        return max(FACADES, math.ceil(self.cores(self.one.facade_ms) / left)) if left > 0 else math.inf

    @property
    def consumers(self) -> int:
        """Ingestion's consumers."""
        return max(1, math.ceil(self.rate / (self.one.ingested_per_s * BUSY)))

    @property
    def publishers(self) -> int:
        """Lifecycle publishers, each of its own DAGs."""
        return max(1, math.ceil(STATES * self.rate / (TOLD_PER_S * BUSY)))

    @property
    def api_servers(self) -> int:
        """Processes of Airflow's API server: for ingestion and status events, and for what tasks report."""
        return self.processes(self.one.api_server_ms + self.one.task_api_ms, 2)

    @property
    def schedulers(self) -> int:
        """By processor time alone: they also wait for each other's row locks."""
        return self.processes(self.one.scheduler_ms)

    @property
    def agents(self) -> int:
        """Replicas of the agents service."""
        return self.processes(self.one.agent_ms, 2)

    @property
    def rows_a_month(self) -> float:
        """Bytes that Airflow's database grows by in a month."""
        return self.rate * MONTH * self.one.run_bytes

    @property
    def deleting(self) -> float:
        """Of each day, the part for which runs have to be deleted."""
        return self.rate / self.one.deleted_per_s

    @property
    def connections(self) -> int:
        """At most, of Airflow's processes to its database: API servers, schedulers, a DAG processor, two triggerers."""
        return POOL * (self.api_servers + self.schedulers + 1 + max(2, self.consumers))
