"""Run ids: assigned where a request enters, and the same in every system.

``workflow_run_id`` = ``DagRun.run_id`` = LangGraph ``thread_id`` = Kafka key. Ids follow RFC 9562.
"""

import os
import time
import uuid
from typing import Annotated

from pydantic import AfterValidator, Field

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.~:+-]+$", max_length=250)]
"""Any run id: Airflow's ``[scheduler] allowed_run_id_pattern`` and column width."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tradewind:run")
_AIRFLOW_PREFIXES = (
    "scheduled__",
    "backfill__",
    "asset_triggered__",
    "operator_triggered__",
    "asset_materialization__",
)


def is_made_by_airflow(run_id: str) -> bool:
    """Whether Airflow generated this id. It is unique within its DAG only: runs of other DAGs may have the same id."""
    return run_id.startswith(_AIRFLOW_PREFIXES)


def _free_for_triggers(run_id: str) -> str:
    if ".." in run_id or is_made_by_airflow(run_id):
        raise ValueError(f"must not contain '..' or start with one of {', '.join(_AIRFLOW_PREFIXES)}")
    return run_id


TriggeredRunId = Annotated[RunId, AfterValidator(_free_for_triggers)]
"""A run id that a caller may choose: Airflow reserves some prefixes (``SerializedDAG.create_dagrun``)."""


def new() -> str:
    """Return a UUIDv7: 48 bits of Unix milliseconds, then random bits, so that ids sort by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def from_idempotency_key(caller: str, workflow_id: str, key: str) -> str:
    """Return the UUIDv5 of an idempotency key: the same three arguments always give the same run."""
    return _uuid5("idempotency-key", caller, workflow_id, key)


def from_event(source: str, event_id: str) -> str:
    """Return the UUIDv5 of CloudEvents' identity pair, for an event without a run id."""
    return _uuid5("event", source, event_id)


def from_record(topic: str, partition: int, offset: int) -> str:
    """Return the UUIDv5 of a Kafka position, for a record without an identity of its own."""
    return _uuid5("record", topic, str(partition), str(offset))


def _uuid5(*parts: str) -> str:
    # Lengths are part of the name, so that ("a", "bc") and ("ab", "c") differ.
    return str(uuid.uuid5(_NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts)))
