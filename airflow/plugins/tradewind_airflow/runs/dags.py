"""The DAGs as Airflow's database has them: which may be triggered, and their newest versions."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from airflow.exceptions import DeserializationError
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.types import DagRunType
from sqlalchemy import ColumnElement, ScalarSelect, Select, SQLColumnExpression, bindparam, exists, select
from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)

INTERNAL_TAG = "tradewind-internal"
"""DAGs with this tag are Tradewind's own: their runs cannot be listed, triggered, read or changed through Tradewind."""

DAG_IDS = "dag_ids"


@dataclass(frozen=True)
class DagKey:
    """A version of a DAG as it was serialized. A version that is changed in place gets another hash."""

    version_id: UUID
    dag_hash: str


@dataclass(frozen=True)
class DagRecord:
    """A DAG's row. `key` is None while no version of it is serialized."""

    dag_id: str
    description: str
    is_paused: bool
    is_stale: bool
    has_import_errors: bool
    allows_manual_runs: bool
    key: DagKey | None


def find(session: Session, dag_ids: Collection[str]) -> dict[str, DagRecord]:
    """Return those of the DAGs that exist and are not internal, with their newest versions, in one statement."""
    return {row.dag_id: _record(row) for row in session.execute(_records(), {DAG_IDS: list(dag_ids)})}


def load(session: Session, key: DagKey) -> SerializedDAG:
    """Return the deserialized DAG; raise LookupError when that version is gone or cannot be read here."""
    found = session.scalar(
        select(SerializedDagModel).where(
            SerializedDagModel.dag_version_id == key.version_id, SerializedDagModel.dag_hash == key.dag_hash
        )
    )
    if found is None:
        raise LookupError(f"version {key.version_id} of the DAG was replaced just now")
    try:
        dag: SerializedDAG = found.dag
    except (DeserializationError, ValueError) as error:
        # E.g. a timetable of a plugin that this server lacks. It must not cost a list or a batch its other DAGs.
        _log_unreadable(found.dag_id, key, f"{error}: {error.__cause__!r}" if error.__cause__ else str(error))
        raise LookupError(f"the DAG {found.dag_id!r} cannot be deserialized by this API server") from error
    return dag


@lru_cache(1024)
def _log_unreadable(dag_id: str, key: DagKey, reason: str) -> None:
    logger.warning("the DAG %r cannot be deserialized, version %s: %s", dag_id, key.version_id, reason)


def is_internal(dag_id: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Return the condition that the DAG of a row is one of Tradewind's own."""
    return exists().where(DagTag.dag_id == dag_id, DagTag.name == INTERNAL_TAG)


@cache
def _records() -> Select[*tuple[Any, ...]]:
    # Built once: SQLAlchemy spends more on that than Postgres on the answer.
    return (
        select(
            DagModel.dag_id,
            DagModel.description,
            DagModel.is_paused,
            DagModel.is_stale,
            DagModel.has_import_errors,
            DagModel.allowed_run_types,
            SerializedDagModel.dag_version_id,
            SerializedDagModel.dag_hash,
        )
        .outerjoin(SerializedDagModel, SerializedDagModel.dag_version_id == _newest_version())
        .where(~is_internal(DagModel.dag_id), DagModel.dag_id.in_(bindparam(DAG_IDS, expanding=True)))
        .order_by(DagModel.dag_id)
    )


def _newest_version() -> ScalarSelect[UUID]:
    return (
        select(DagVersion.id)
        .where(DagVersion.dag_id == DagModel.dag_id)
        .order_by(DagVersion.version_number.desc())
        .limit(1)
        .correlate(DagModel)
        .scalar_subquery()
    )


def _record(row: Any) -> DagRecord:
    return DagRecord(
        dag_id=row.dag_id,
        description=row.description or "",
        is_paused=row.is_paused,
        is_stale=row.is_stale,
        has_import_errors=bool(row.has_import_errors),
        allows_manual_runs=row.allowed_run_types is None or DagRunType.MANUAL in row.allowed_run_types,
        key=DagKey(row.dag_version_id, row.dag_hash) if row.dag_version_id else None,
    )
