"""A minimal workflow: what a DAG needs to be triggered by an event or a REST call.

Any DAG that allows manual runs is a workflow. Its `description` and `params` are what `GET /workflows` shows, and each
Param is checked before a run is accepted: one without a default value is required.

The run's conf holds the parameters, and under `_tradewind` the run's origin.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from tradewind_airflow.runs.envelope import RESERVED_KEY, RunEnvelope
from tradewind_airflow.weights import RunPriority

with DAG(
    "example_workflow",
    description="Returns its parameters and the id of the event that triggered it",
    schedule=None,
    # A new DAG is paused in Airflow, and the runs of a paused DAG are held.
    is_paused_upon_creation=False,
    params={
        "message": Param(type="string", minLength=1, maxLength=200, description="Returned in the result"),
        "count": Param(1, type="integer", minimum=1, maximum=1000, description="How often it is repeated there"),
    },
    tags=["tradewind", "example"],
    default_args={
        # A task whose worker, scheduler or API server is killed fails: only a retry lets its run succeed.
        "retries": 3,
        "retry_delay": timedelta(seconds=2),
        # When a pool is full, the tasks of the run with the higher priority start first.
        "weight_rule": RunPriority(),
    },
) as dag:

    @task
    def result() -> dict[str, Any]:
        """Return the parameters: a task named `result`, or the DAG's only last task, returns the run's result."""
        context = get_current_context()
        envelope = RunEnvelope.model_validate((context["dag_run"].conf or {}).get(RESERVED_KEY, {}))
        return {"messages": [context["params"]["message"]] * context["params"]["count"], "event_id": envelope.event_id}

    result()
