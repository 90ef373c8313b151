"""DAGs in memory: deserialized once for each version.

Airflow's `DBDagBag` never uses its cache for "the latest version" and trusts it for
`[core] min_serialized_dag_update_interval` seconds. Here the newest version's key is read with the DAG's row
(`dags.find`), in one statement: a new version, or one that was changed in place, is used at once.
"""

from airflow.serialization.definitions.dag import SerializedDAG
from sqlalchemy.orm import Session

from tradewind_airflow.runs import dags
from tradewind_airflow.runs.dags import DagKey
from tradewind_airflow.runs.parameters import ParameterSchema
from tradewind_airflow.runs.version_cache import VersionCache

CACHED_DAGS = 64
CACHED_SCHEMAS = 4096


class DagCache:
    """Deserialized DAGs and the schemas of their parameters. One per process, shared by its threads."""

    def __init__(self) -> None:
        self._dags: VersionCache[SerializedDAG] = VersionCache(CACHED_DAGS)
        self._schemas: VersionCache[ParameterSchema] = VersionCache(CACHED_SCHEMAS)

    def dag(self, session: Session, key: DagKey) -> SerializedDAG:
        """Return the deserialized DAG; raise LookupError when that version is gone or cannot be read here."""
        return self._dags.get(key, lambda: dags.load(session, key))

    def parameters(self, session: Session, key: DagKey) -> ParameterSchema:
        """Return what the DAG takes; raise LookupError when that version is gone or cannot be read here."""
        return self._schemas.get(key, lambda: ParameterSchema.of(self.dag(session, key).params))
