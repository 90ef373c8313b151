"""A DAG of a test's own with runs in any state, as rows: these tests run neither scheduler nor workers."""

import json
import uuid
from datetime import UTC, datetime

from support.airflow_server import AirflowServer

CANCELLED = json.dumps(
    {
        "_tradewind": {
            "cancel": {
                "mode": "graceful",
                "by": "ops",
                "at": "2026-01-01T00:00:00Z",
                "clear_number": 0,
                "effective": True,
            }
        }
    }
)
"""A conf by which a failed run reads `cancelled`."""

_COLUMNS_OF = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
_RUN = (
    "INSERT INTO dag_run (dag_id, run_id, run_after, created_at, queued_at, updated_at, start_date, end_date, state,"
    " conf, run_type, clear_number, span_status) SELECT %s, %s, t, t, t, t, CASE WHEN s <> 'queued' THEN t END,"
    " CASE WHEN s IN ('success', 'failed') THEN t END, s, %s::jsonb, 'manual', 0, ''"
    " FROM (SELECT %s::timestamptz AS t, %s AS s) given"
)
_TASK = (
    "INSERT INTO task_instance (id, dag_id, run_id, task_id, map_index, state, try_number, max_tries, pool, pool_slots,"
    " priority_weight, operator, context_carrier)"
    " SELECT gen_random_uuid(), %s, %s, 'work', -1, %s, 1, 0, 'default_pool', 1, 1, 'x', '{}'"
)
_QUESTION = (
    "INSERT INTO hitl_detail (ti_id, options, subject, params, params_input, created_at)"
    " SELECT id, '[]', 'May it?', '{}', '{}', now() FROM task_instance WHERE run_id = %s"
)


class WorkflowRows:
    """A DAG of a test's own, with runs where the scheduler and workers would have put them."""

    def __init__(self, server: AirflowServer, dag_id: str, *, is_paused: bool = False) -> None:
        self.server = server
        self.dag_id = dag_id
        self._copy("dag", {"dag_id": dag_id, "is_paused": is_paused})

    def serialize(self) -> None:
        """Give the DAG a parsed version, so that nothing but its id keeps it off the list of workflows."""
        version = str(uuid.uuid4())
        copied: dict[str, str | bool] = {"id": version, "dag_id": self.dag_id}
        for table, own in (("dag_version", copied), ("serialized_dag", {**copied, "dag_version_id": version})):
            self._copy(table, own)

    def _copy(self, table: str, own: dict[str, str | bool]) -> None:
        columns = {row["column_name"] for row in self.server.rows(_COLUMNS_OF, table)}
        others = ", ".join(sorted(columns - own.keys()))
        names, values = ", ".join(own), ", ".join("%s" for _ in own)
        copied = f"SELECT {values}, {others} FROM {table} WHERE dag_id = 'test_free'"  # noqa: S608  # names of columns
        self.server.rows(f"INSERT INTO {table} ({names}, {others}) {copied}", *own.values())

    def run(
        self, state: str = "success", created_at: datetime | None = None, conf: str = "{}", run_id: str | None = None
    ) -> str:
        """A run with one task instance in the same state."""
        run_id = run_id or str(uuid.uuid4())
        self.server.rows(_RUN, self.dag_id, run_id, conf, created_at or datetime.now(UTC), state)
        self.server.rows(_TASK, self.dag_id, run_id, state if state != "queued" else None)
        return run_id

    def ask(self, run_id: str) -> None:
        """Have the run's task wait for a person."""
        self.server.rows("UPDATE task_instance SET state = 'awaiting_input' WHERE run_id = %s", run_id)
        self.server.rows(_QUESTION, run_id)
