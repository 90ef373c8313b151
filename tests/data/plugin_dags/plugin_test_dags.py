"""DAGs of many shapes, parsed by Airflow for the plugin's tests."""

from airflow.sdk import DAG, Param, task
from airflow.sdk.api.datamodels._generated import DagRunType

PARAMS = {
    "isin": Param(type="string", pattern="^[A-Z]{2}[A-Z0-9]{9}[0-9]$", description="ISO 6166"),
    "quantity": Param(100, type="integer", minimum=1),
    "legs": Param([], type="array", items={"type": "object", "required": ["side"]}),
    "desk": Param(None, type=["null", "string"]),
}


@task
def work() -> None:
    """Do nothing: these runs are created, not executed."""


for name in ("typed", "paused", "stale", "broken", "changing", "unserialized"):
    with DAG(f"test_{name}", description=f"The {name} one", schedule=None, params=PARAMS):
        work()

with DAG("test_free", schedule=None, is_paused_upon_creation=False):
    work() >> work() >> work() >> work() >> work()

with DAG("test_mapped", schedule=None):
    # Its task instances depend on the run: only Airflow itself can make one.
    work.override(task_id="numbers").expand_kwargs([{}, {}])

with DAG("test_internal", schedule=None, tags=["tradewind-internal"]):
    work()

with DAG("test_scheduled_only", schedule="@daily", catchup=False, allowed_run_types=DagRunType.SCHEDULED):
    work()
