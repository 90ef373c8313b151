"""Create DAG runs: the only step of a trigger that writes.

`create_runs` is the whole interface. Plain runs are written in bulk where there is a bulk writer, the others by
Airflow's `create_dagrun`, each under a savepoint.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import groupby

from airflow.exceptions import ParamValidationError
from airflow.sdk.exceptions import AirflowException
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.create import audit_log
from tradewind_airflow.runs.create.run_requests import BulkWriter, Creation, Refused, RunRequest, TransactionLostError
from tradewind_airflow.runs.priority_weights import set_weights


class NewerVersionError(Exception):
    """The DAG got a new version while its run was being created."""


def create_runs(
    session: Session, requests: Collection[RunRequest], user_name: str, bulk: BulkWriter | None
) -> dict[str, Creation | Refused]:
    """Create the runs in the session's transaction, in order, and return by run id what became of each.

    A request that fails leaves the others as they are. Nothing is committed. Raises `TransactionLostError`.
    """
    plain = {request.run_id for request in bulk.suited(session, requests)} if bulk else set()
    made: dict[str, Creation | Refused] = {}
    for in_bulk, neighbours in groupby(requests, lambda request: request.run_id in plain):
        create = bulk.create if bulk and in_bulk else _one_by_one
        made |= create(session, list(neighbours), user_name)
    return made


def _one_by_one(session: Session, requests: Collection[RunRequest], user_name: str) -> dict[str, Creation | Refused]:
    root = session.get_transaction() or session.begin()
    made: dict[str, Creation | Refused] = {}
    for request in requests:
        made[request.run_id] = _create(session, request, user_name)
        if session.get_transaction() is not root:
            raise TransactionLostError
    created = [request.item for request in requests if made[request.run_id] is Creation.CREATED]
    audit_log.write(session, created, user_name)
    return made


def _create(session: Session, request: RunRequest, user_name: str) -> Creation | Refused:
    try:
        with session.begin_nested():
            _write(session, request, user_name)
    except IntegrityError:
        return Creation.TAKEN
    except NewerVersionError:
        return Creation.OUTDATED
    except (ParamValidationError, ValueError, AirflowException) as error:
        return Refused(str(error))
    return Creation.CREATED


def _write(session: Session, request: RunRequest, user_name: str) -> None:
    run = request.dag.create_dagrun(
        run_id=request.run_id,
        # A date would be unique per DAG, and two events in one instant would collide.
        logical_date=None,
        run_after=priorities.run_after(datetime.now(UTC), request.item.priority),
        conf=request.conf,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.REST_API,
        triggering_user_name=user_name,
        state=DagRunState.QUEUED,
        session=session,
    )
    # Airflow pins the run to the version that is the newest at this instant, whichever DAG object it was given.
    if run.created_dag_version_id != request.key.version_id:
        raise NewerVersionError
    if request.item.priority:
        set_weights(session, request.dag, request.run_id, request.item.priority)
