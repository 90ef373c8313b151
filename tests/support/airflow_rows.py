"""What Airflow's scheduler, workers and people write, written by hand: the tests' API server has none of them."""

from support.airflow_server import AirflowServer

_SET = "UPDATE dag_run SET state = %s, {} = now(), updated_at = now() WHERE run_id = %s"

CLEARED = (
    "UPDATE dag_run SET state = 'queued', clear_number = clear_number + 1, queued_at = now(), start_date = NULL,"
    " end_date = NULL, updated_at = now() WHERE run_id = %s"
)


def started(server: AirflowServer, run_id: str) -> None:
    """As the scheduler starts a run (`DagRun.set_state`)."""
    server.rows(_SET.format("start_date"), "running", run_id)


def ended(server: AirflowServer, run_id: str, state: str = "success") -> None:
    """As the scheduler ends a run."""
    server.rows(_SET.format("end_date"), state, run_id)


def task_ended(server: AirflowServer, run_id: str, task_id: str, state: str = "success") -> None:
    """As a worker ends a task: the run's row is not touched."""
    server.rows("UPDATE task_instance SET state = %s WHERE run_id = %s AND task_id = %s", state, run_id, task_id)


def asked(server: AirflowServer, run_id: str, task_id: str) -> None:
    """As a human-in-the-loop task asks and waits (`execution_api/routes/hitl.py`)."""
    server.rows(
        "UPDATE task_instance SET state = 'awaiting_input', start_date = now() WHERE run_id = %s AND task_id = %s",
        run_id,
        task_id,
    )
    server.rows(
        "INSERT INTO hitl_detail (ti_id, options, subject, params, params_input, created_at) "
        "SELECT id, '[\"yes\"]', 'Pay?', '{}', '{}', now() FROM task_instance WHERE run_id = %s AND task_id = %s",
        run_id,
        task_id,
    )


def answered(server: AirflowServer, run_id: str, task_id: str) -> None:
    """As Airflow takes an answer in: the task goes on."""
    server.rows(
        "UPDATE hitl_detail SET responded_at = now() FROM task_instance t"
        " WHERE t.id = ti_id AND t.run_id = %s AND t.task_id = %s",
        run_id,
        task_id,
    )
    task_ended(server, run_id, task_id, "scheduled")


def paused(server: AirflowServer, dag_id: str, *, is_paused: bool) -> None:
    """As somebody pauses a DAG."""
    server.rows("UPDATE dag SET is_paused = %s WHERE dag_id = %s", is_paused, dag_id)
