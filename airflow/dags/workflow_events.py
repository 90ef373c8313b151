"""The ingestion: Kafka events become DAG runs. One deferred task that runs while this DAG is not paused.

Pausing this DAG does not stop a running consumer: mark its run as failed too. Events wait in Kafka meanwhile.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG

from tradewind_airflow.sensors import WorkflowEventsSensor

with DAG(
    "workflow_events",
    description="Consumes workflow-events and creates a DAG run of each trigger",
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    catchup=False,
    is_paused_upon_creation=False,
    tags=["tradewind", "tradewind-internal"],
) as dag:
    WorkflowEventsSensor(task_id="consume")
