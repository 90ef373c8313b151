"""The topics: names, partitions, retention. `architecture.md` D2: `workflow-events` is the ledger."""

from dataclasses import dataclass

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topic:
    """A Kafka topic as it is created; retention in milliseconds, sizes in bytes."""

    name: str
    partitions: int
    retention_ms: int
    max_message_bytes: int = 1024 * 1024

    @property
    def config(self) -> dict[str, str]:
        """Kafka's topic-level configuration."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


WORKFLOW_EVENTS = Topic("workflow-events", partitions=6, retention_ms=7 * DAY_MS)
"""Triggers and commands, keyed by run id, so that all that concerns one run stays in order."""

WORKFLOW_STATUS = Topic("workflow-status", partitions=6, retention_ms=7 * DAY_MS)
"""What happened to the runs, keyed by run id."""

# Larger than the others: a dead letter is the whole record and its reason.
DEAD_LETTERS = Topic("workflow-events.dlq", partitions=1, retention_ms=30 * DAY_MS, max_message_bytes=2 * 1024 * 1024)
"""What could not be processed, and why."""

TOPICS = (WORKFLOW_EVENTS, WORKFLOW_STATUS, DEAD_LETTERS)

AIRFLOW_GROUP = "tradewind-airflow"
"""The consumer group that makes DAG runs; it also dead-letters what is not an event at all."""

LANGGRAPH_GROUP = "tradewind-langgraph"
"""The consumer group that runs LangGraph workflows."""
