"""The DAGs as workflows: what is known of each, and its newest version, deserialized once.

Airflow's `DBDagBag` never uses its cache for "the latest version" and trusts it for
`[core] min_serialized_dag_update_interval` seconds. Here the newest version's id and hash are read with the workflow,
in one statement, and are the cache's key: a new version, or one that was changed in place, is seen at once.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar
from uuid import UUID

from airflow.exceptions import DeserializationError
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.tasklog import LogTemplate
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.types import DagRunType
from cachetools import LRUCache
from sqlalchemy import ColumnElement, ScalarSelect, Select, SQLColumnExpression, bindparam, exists, func, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs.create.bulk.templates import RunTemplate, template_of
from tradewind_airflow.runs.parameters import ParameterSchema

logger = logging.getLogger(__name__)

INTERNAL_TAG = "tradewind-internal"
"""DAGs with this tag are Tradewind's own machinery: neither listed nor to be triggered."""

T = TypeVar("T")

DAG_IDS = "dag_ids"
CACHED_DAGS = 64
CACHED_SCHEMAS = 4096


@dataclass(frozen=True)
class DagKey:
    """What a DAG was deserialized from."""

    version_id: UUID
    dag_hash: str


@dataclass(frozen=True)
class Workflow:
    """A DAG as it stands in the database. `key` is None while no version of it is serialized."""

    dag_id: str
    description: str
    is_paused: bool
    is_stale: bool
    has_import_errors: bool
    allows_manual_runs: bool
    key: DagKey | None


@dataclass(frozen=True)
class Newest:
    """What a run of a DAG is pinned to when it is made (`create_dagrun` reads the same)."""

    key: DagKey
    bundle_version: str | None
    log_template_id: int


class Catalog:
    """Finds workflows; one per process, shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dags: LRUCache[DagKey, SerializedDAG] = LRUCache(CACHED_DAGS)
        self._schemas: LRUCache[DagKey, ParameterSchema] = LRUCache(CACHED_SCHEMAS)
        self._templates: LRUCache[DagKey, tuple[RunTemplate | None]] = LRUCache(CACHED_DAGS)

    def find(self, session: Session, dag_ids: Collection[str]) -> dict[str, Workflow]:
        """Return those of `dag_ids` that are workflows, in one statement."""
        rows = session.execute(_workflows(), {DAG_IDS: list(dag_ids)})
        return {row.dag_id: _workflow(row) for row in rows}

    def dag(self, session: Session, key: DagKey) -> SerializedDAG:
        """Return the deserialized DAG; raise LookupError when that version is gone or cannot be read here."""
        return self._cached(self._dags, key, lambda: _load(session, key))

    def parameters(self, session: Session, key: DagKey) -> ParameterSchema:
        """Return what the DAG takes; raise LookupError when that version is gone."""
        return self._cached(self._schemas, key, lambda: ParameterSchema.of(self.dag(session, key).params))

    def template(self, session: Session, key: DagKey) -> RunTemplate | None:
        """Return what the DAG's runs have in common, if they may share it; raise LookupError as `dag` does."""
        return self._cached(self._templates, key, lambda: (template_of(self.dag(session, key)),))[0]

    def _cached(self, cache: "LRUCache[DagKey, T]", key: DagKey, load: Callable[[], T]) -> T:
        with self._lock:
            found = cache.get(key)
        if found is None:
            # Outside the lock: two threads may load the same DAG, none waits for another's.
            found = load()
            with self._lock:
                cache[key] = found
        return found


def is_internal(dag_id: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Return the condition that the DAG of a row is Tradewind's own machinery."""
    return exists().where(DagTag.dag_id == dag_id, DagTag.name == INTERNAL_TAG)


def newest(session: Session, dag_ids: Collection[str]) -> dict[str, Newest]:
    """Return what new runs of the DAGs are pinned to at this instant; DAGs without a version are left out."""
    return {
        row.dag_id: Newest(DagKey(row.dag_version_id, row.dag_hash), row.bundle_version, row.log_template_id)
        for row in session.execute(_pins(), {DAG_IDS: list(dag_ids)})
    }


def is_newest(newest: Mapping[str, Newest], dag_id: str, key: DagKey) -> bool:
    """Whether a DAG is still as it was deserialized from `key`."""
    known = newest.get(dag_id)
    return known is not None and known.key == key


# Each statement is built once: SQLAlchemy spends more on that than Postgres on the answer.


@cache
def _pins() -> Select[*tuple[Any, ...]]:
    log_template = select(func.max(LogTemplate.__table__.c.id)).scalar_subquery()
    return (
        select(
            DagModel.dag_id,
            DagModel.bundle_version,
            SerializedDagModel.dag_version_id,
            SerializedDagModel.dag_hash,
            func.coalesce(log_template, 0).label("log_template_id"),
        )
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == _newest_version())
        .where(DagModel.dag_id.in_(bindparam(DAG_IDS, expanding=True)))
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


@cache
def _workflows() -> Select[*tuple[Any, ...]]:
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


def _workflow(row: Any) -> Workflow:
    return Workflow(
        dag_id=row.dag_id,
        description=row.description or "",
        is_paused=row.is_paused,
        is_stale=row.is_stale,
        has_import_errors=bool(row.has_import_errors),
        allows_manual_runs=row.allowed_run_types is None or DagRunType.MANUAL in row.allowed_run_types,
        key=DagKey(row.dag_version_id, row.dag_hash) if row.dag_version_id else None,
    )


def _load(session: Session, key: DagKey) -> SerializedDAG:
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
