"""The lifecycle: status changes of DAG runs become Kafka events. One deferred task, while this DAG is not paused.

Which DAGs: `lifecycle_include` and `lifecycle_exclude` in the section `tradewind` of Airflow's configuration, patterns
of DAG ids separated by commas (`AIRFLOW__TRADEWIND__LIFECYCLE_INCLUDE='eod_*,recon_*'`); all by default. Tradewind's
own DAGs are never published. Where several Airflows share one topic, each needs its own `lifecycle_publisher`. A new
setting applies from this DAG's next run.

Pausing this DAG does not stop a running publisher: mark its run as failed too. What happens meanwhile is published when
it runs again.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG
from airflow.sdk.configuration import conf

from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.sensors import WorkflowLifecycleSensor

with DAG(
    "workflow_lifecycle",
    description="Publishes the status changes of DAG runs to workflow-status",
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    catchup=False,
    is_paused_upon_creation=False,
    tags=["tradewind", "tradewind-internal"],
) as dag:
    WorkflowLifecycleSensor(
        task_id="publish",
        settings=LifecycleSettings(
            publisher=conf.get("tradewind", "lifecycle_publisher", fallback="airflow"),
            include=conf.get("tradewind", "lifecycle_include", fallback="*"),
            exclude=conf.get("tradewind", "lifecycle_exclude", fallback=""),
        ),
    )
