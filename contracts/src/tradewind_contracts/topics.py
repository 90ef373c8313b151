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
"""Triggers and commands, keyed by run id, so that all events of one run stay in order."""

WORKFLOW_STATUS = Topic("workflow-status", partitions=6, retention_ms=7 * DAY_MS)
"""Status changes of the runs, keyed by run id."""

# Larger than the others: a dead letter is the whole record plus the reason.
DEAD_LETTERS = Topic("workflow-events.dlq", partitions=1, retention_ms=30 * DAY_MS, max_message_bytes=2 * 1024 * 1024)
"""Records that could not be processed, and why."""

TOPICS = (WORKFLOW_EVENTS, WORKFLOW_STATUS, DEAD_LETTERS)

AIRFLOW_GROUP = "tradewind-airflow"
"""The consumer group that creates DAG runs; it also dead-letters records that are not events."""

LANGGRAPH_GROUP = "tradewind-langgraph"
"""The consumer group that runs LangGraph workflows."""
