"""Commands to a run over REST: cancel, retry, another priority."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from airflow.observability import stats
from fastapi import APIRouter, Depends, Header, Response, status

from tradewind_airflow.runs.commands.cancel import cancel
from tradewind_airflow.runs.commands.priority import set_priority
from tradewind_airflow.runs.commands.retry import retry
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.read import status as run_status
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_airflow.web import bodies
from tradewind_airflow.web.dependencies import DagCacheDep, RunAddressDep
from tradewind_contracts.commands import CancelRequest, PriorityRequest, RetryRequest
from tradewind_contracts.workflows import WorkflowStatus
from tradewind_service import json_bodies, request_headers

logger = logging.getLogger(__name__)

BODY_BYTES = 16 * 1024

REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "You may not change runs of this DAG"},
    404: {"description": "No DAG that you may read has this run"},
    409: {"description": "The run's state forbids it; `detail` says how it is and what to do"},
    503: {"description": "The scheduler or the database is busy, or the DAG is gone; nothing was changed"},
}
"""What the errors of a command mean; `docs.describe_problems` adds their form."""

router = APIRouter(tags=["commands"])

BodyDep = Annotated[bytes, Depends(bodies.bounded(BODY_BYTES))]
KeyHeader = Annotated[list[str] | None, Header()]


@contextmanager
def _reported(command: str, to: RunAddress) -> Iterator[None]:
    """Log and count a command with its outcome."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except RefusedError as refused:
        outcome = refused.kind.slug
        raise
    finally:
        stats.incr("tradewind.commands", tags={"command": command, "outcome": outcome})
        logger.info("%s of run %s by %s: %s", command, to.run_id, to.caller.name, outcome)


def _mark(response: Response, *, repeated: bool) -> None:
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"


def _status(dag_cache: DagCache, to: RunAddress) -> WorkflowStatus:
    return run_status.describe(dag_cache, to).status


@router.post("/workflows/{workflow_run_id}/cancel", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def cancel_workflow(
    response: Response, to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep, idempotency_key: KeyHeader = None
) -> WorkflowStatus:
    """Start nothing more of a run, and by `force` end what runs. May be repeated, with `force` after `graceful`.

    With an `Idempotency-Key` it may be repeated after a retry as well, which it then leaves alone.
    """
    wanted = json_bodies.parse(CancelRequest, body)
    key = request_headers.idempotency_key(idempotency_key or [])
    with _reported("cancel", to):
        _mark(response, repeated=cancel(to, wanted, key))
    return _status(dag_cache, to)


@router.post("/workflows/{workflow_run_id}/retry", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def retry_workflow(
    response: Response, to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep, idempotency_key: KeyHeader = None
) -> WorkflowStatus:
    """Run again what failed of a run that has ended, or all of it; once per `Idempotency-Key`."""
    wanted = json_bodies.parse(RetryRequest, body)
    key = request_headers.idempotency_key(idempotency_key or [])
    with _reported("retry", to):
        _mark(response, repeated=retry(to, wanted.scope, key))
    return _status(dag_cache, to)


@router.post("/workflows/{workflow_run_id}/priority", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def prioritize_workflow(to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep) -> WorkflowStatus:
    """Give another priority to a run that has not begun."""
    wanted = json_bodies.parse(PriorityRequest, body)
    with _reported("priority", to):
        set_priority(to, wanted.priority)
    return _status(dag_cache, to)
