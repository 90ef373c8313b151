"""A workflow in its smallest form: what a DAG needs to be triggered by an event or a REST call.

Any DAG that allows manual runs is a workflow. Its `description` and `params` are what `GET /workflows` shows, and each
Param is checked before a run is accepted: one without a default value is required.

The run's conf holds the parameters, and under `_tradewind` where the run comes from.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from tradewind_airflow.runs.envelope import RESERVED_KEY, RunEnvelope
from tradewind_airflow.weights import RunPriority

with DAG(
    "example_workflow",
    description="Says which event asked for it and gives its parameters back",
    schedule=None,
    # A new DAG is paused in Airflow, and the runs of a paused DAG are held.
    is_paused_upon_creation=False,
    params={
        "message": Param(type="string", minLength=1, maxLength=200, description="Comes back in the result"),
        "count": Param(1, type="integer", minimum=1, maximum=1000, description="How often it comes back"),
    },
    tags=["tradewind", "example"],
    default_args={
        # A task whose worker, scheduler or API server is killed under it has failed: only a retry lets its run succeed.
        "retries": 3,
        "retry_delay": timedelta(seconds=2),
        # Where a pool is full, the tasks of the run with the higher priority start first.
        "weight_rule": RunPriority(),
    },
) as dag:

    @task
    def result() -> dict[str, Any]:
        """Return what the run was given: a task named `result`, or the DAG's only last one, gives the run's result."""
        context = get_current_context()
        envelope = RunEnvelope.model_validate((context["dag_run"].conf or {}).get(RESERVED_KEY, {}))
        return {"messages": [context["params"]["message"]] * context["params"]["count"], "event_id": envelope.event_id}

    result()
