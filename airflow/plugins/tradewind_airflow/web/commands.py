"""Commands on a run over REST: cancel, retry, set the priority."""

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
    409: {"description": "The run's state does not allow it; `detail` gives the state and what to do"},
    503: {"description": "The scheduler or the database is busy, or the DAG is gone; nothing was changed"},
}
"""The errors of a command; `docs.describe_problems` adds their schema."""

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


def _set_replayed(response: Response, *, repeated: bool) -> None:
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"


def _status(dag_cache: DagCache, to: RunAddress) -> WorkflowStatus:
    return run_status.describe(dag_cache, to).status


@router.post("/workflows/{workflow_run_id}/cancel", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def cancel_workflow(
    response: Response, to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep, idempotency_key: KeyHeader = None
) -> WorkflowStatus:
    """Start no more tasks of a run, and with `force` end the running ones. May be repeated, `force` after `graceful`.

    With an `Idempotency-Key` a repetition after a retry has no effect on the retried run.
    """
    parsed = json_bodies.parse(CancelRequest, body)
    key = request_headers.idempotency_key(idempotency_key or [])
    with _reported("cancel", to):
        _set_replayed(response, repeated=cancel(to, parsed, key))
    return _status(dag_cache, to)


@router.post("/workflows/{workflow_run_id}/retry", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def retry_workflow(
    response: Response, to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep, idempotency_key: KeyHeader = None
) -> WorkflowStatus:
    """Run the failed tasks of an ended run again, or all of them; once per `Idempotency-Key`."""
    parsed = json_bodies.parse(RetryRequest, body)
    key = request_headers.idempotency_key(idempotency_key or [])
    with _reported("retry", to):
        _set_replayed(response, repeated=retry(to, parsed.scope, key))
    return _status(dag_cache, to)


@router.post("/workflows/{workflow_run_id}/priority", status_code=status.HTTP_202_ACCEPTED, responses=REFUSALS)
def prioritize_workflow(to: RunAddressDep, dag_cache: DagCacheDep, body: BodyDep) -> WorkflowStatus:
    """Change the priority of a run that has not begun."""
    parsed = json_bodies.parse(PriorityRequest, body)
    with _reported("priority", to):
        set_priority(to, parsed.priority)
    return _status(dag_cache, to)
