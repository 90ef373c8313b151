"""DAGs whose runs are made both ways: by Airflow's `create_dagrun`, and in bulk."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.python import BranchPythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import DAG, Asset, CronPartitionTimetable, Param, PartitionedAssetTimetable, task
from airflow.sdk import task_group as group
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from tradewind_airflow.weights import RunPriority

PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
RULES = ("absolute", "downstream", "upstream")


@task
def work(value: Any = 0) -> Any:
    """Return what was given: these runs are created, not executed."""
    return value


@group
def nested(value: int) -> None:
    """Two tasks, as one."""
    work(work(value))


async def late(**_: object) -> None:
    """Be told of a missed deadline."""


def done(context: Any) -> None:
    """Be told of a success."""


with DAG("bulk_one", schedule=None):
    work()

with DAG("bulk_five", schedule=None):
    work() >> work() >> work() >> work() >> work()

with DAG("bulk_params", schedule=None, params={"isin": Param(type="string"), "quantity": Param(1, type="integer")}):
    work()

with DAG("bulk_attributes", schedule="@daily", default_args={"retries": 2, "retry_delay": timedelta(minutes=1)}):
    EmptyOperator(task_id="empty") >> BashOperator(
        task_id="bash", bash_command="true", queue="fast", run_as_user="desk"
    )
    EmptyOperator(task_id="slots", pool="other", pool_slots=3, retries=7, task_display_name="Slots, ⅓ of them")
    EmptyOperator(task_id="config", executor_config={"cpu": 2}, depends_on_past=True, wait_for_downstream=True)
    EmptyOperator(task_id="called", on_success_callback=done, trigger_rule="all_done")
    EmptyOperator(task_id="over", start_date=PAST, end_date=PAST + timedelta(days=1))
    EmptyOperator(task_id="ahead", start_date=FUTURE)

for rule in RULES:
    with DAG(f"bulk_{rule}", schedule=None):
        tasks = [
            EmptyOperator(task_id=f"t{weight}", priority_weight=weight, weight_rule=rule) for weight in (1, 10, 100)
        ]
        tasks[0] >> tasks[1] >> tasks[2]

with DAG("bulk_priority", schedule=None, default_args={"weight_rule": RunPriority()}):
    EmptyOperator(task_id="light") >> EmptyOperator(task_id="heavy", priority_weight=7)
    EmptyOperator(task_id="other", weight_rule="absolute", priority_weight=5)

with DAG("slow_priority", schedule=None, default_args={"weight_rule": RunPriority()}):
    work.expand(value=[1, 2]) >> work()

with DAG("bulk_future", schedule=None, start_date=FUTURE):
    work()

with DAG("bulk_past", schedule=None, start_date=PAST, end_date=PAST + timedelta(days=1)):
    work()

with DAG("bulk_unpinned", schedule=None, disable_bundle_versioning=True):
    work()

with DAG("bulk_groups", schedule=None):
    nested(1) >> nested(2)
    first, last = work.override(task_id="up")(), work.override(task_id="down")()
    first.as_setup() >> work() >> last.as_teardown(setups=first)  # type: ignore[arg-type]  # a decorated task is one as well

with DAG("bulk_empty", schedule=None):
    pass

with DAG(
    "bulk_assets", schedule=[Asset("trades")], max_active_runs=1, fail_fast=True, dagrun_timeout=timedelta(hours=1)
):
    work.override(inlets=[Asset("trades")], outlets=[Asset("breaks")], max_active_tis_per_dag=1)()

with DAG("slow_partitioned_assets", schedule=PartitionedAssetTimetable(assets=Asset("trades"))):
    work()

with DAG("bulk_waiting", schedule=None):
    asked = BranchPythonOperator(task_id="branch", python_callable=str) >> TimeDeltaSensor(
        task_id="sensor", delta=timedelta(hours=1), mode="reschedule", deferrable=True
    )
    (
        asked
        >> ApprovalOperator(task_id="approval", subject="?")
        >> TriggerDagRunOperator(task_id="other", trigger_dag_id="bulk_one")
    )

with DAG("bulk_wide", schedule=None):
    for number in range(500):
        EmptyOperator(task_id=f"t{number}")

with DAG("slow_mapped", schedule=None):
    work.expand(value=[1, 2, 3])
    work.expand(value=work.override(task_id="numbers")())

with DAG("slow_mapped_group", schedule=None):
    nested.expand(value=[1, 2])

with DAG("slow_partitioned", schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC"), start_date=PAST):
    work()

with DAG(
    "slow_deadline",
    schedule=None,
    deadline=DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(hours=1), AsyncCallback(late)),
):
    work()
