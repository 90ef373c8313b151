"""The plugin's routes that create and cancel runs, called with the ingestion's own Airflow user."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

import httpx
from airflow.sdk import Connection
from pydantic import ValidationError

from tradewind_airflow.ingestion.decisions import Cancel
from tradewind_airflow.triggerer.errors import LoginError, UnreachableError
from tradewind_airflow.triggerer.session import AirflowSession, failure
from tradewind_contracts.batches import BatchItem, BatchRequest, BatchResponse, ItemResult, Outcome
from tradewind_contracts.problems import Problem, ProblemType, problem

LIST_PATH = "/tradewind/workflows"
BATCH_PATH = "/tradewind/workflows/trigger/batch"
_REFUSALS = {
    kind.uri
    for kind in (
        ProblemType.STATE_CONFLICT,
        ProblemType.UNKNOWN_RUN,
        ProblemType.INVALID_REQUEST,
        ProblemType.MALFORMED_BODY,
        ProblemType.BODY_TOO_LARGE,
    )
}
"""Of a cancel: asked again, it would be refused again."""

TIMEOUT = httpx.Timeout(120, connect=5)
"""Seconds. A batch of 500 runs may take long on a busy machine, and asking again would only add to that."""

CANCEL_PATH = "/tradewind/workflows/{}/cancel"

_ITEM_FAULTS = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}


class PluginClient:
    """Keeps its connection and its token; one per thread."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._session = AirflowSession(connection, TIMEOUT, transport)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def warm_up(self) -> None:
        """Log in and have the DAGs read, so that the first event does not pay for it; nothing depends on it."""
        with suppress(UnreachableError, LoginError):
            self._session.request("GET", LIST_PATH)

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return the plugin's result of each item, in order; what they report is committed. Safe to repeat.

        Raises `UnreachableError`, and `LoginError`, after which another client has to be made.
        """
        body = BatchRequest.model_construct(items=list(items)).model_dump_json(exclude_none=True)
        answer = self._session.request("POST", BATCH_PATH, content=body, headers={"content-type": "application/json"})
        if answer.status_code == HTTPStatus.OK:
            return _results(answer, len(items))
        if answer.status_code not in _ITEM_FAULTS:
            raise failure(answer)
        if len(items) == 1:
            return [ItemResult(outcome=Outcome.REJECTED, problem=_problem(answer))]
        # Refused as a whole because of one of them: find it, so that it costs no other item its run.
        middle = len(items) // 2
        return self.trigger(items[:middle]) + self.trigger(items[middle:])

    def cancel(self, cancel: Cancel) -> Problem | None:
        """Return why the plugin did not cancel a run; None when the cancel is committed. Safe to repeat.

        Raises `UnreachableError` and `LoginError` as `trigger` does.
        """
        answer = self._session.request(
            "POST",
            CANCEL_PATH.format(cancel.workflow_run_id),
            params={"workflow_id": cancel.workflow_id},
            content=cancel.request.model_dump_json(exclude_none=True),
            headers={"content-type": "application/json", "idempotency-key": f'"{cancel.key}"'},
        )
        if answer.status_code == HTTPStatus.ACCEPTED:
            return None
        refusal = _read_problem(answer)
        if refusal and (refusal.type in _REFUSALS or self._is_forbidden(refusal)):
            return refusal
        raise failure(answer)

    def _is_forbidden(self, refusal: Problem) -> bool:
        # The same answer is given to a user who may do nothing at all, which the operator has to fix.
        if refusal.type != ProblemType.FORBIDDEN.uri:
            return False
        return self._session.request("GET", LIST_PATH).status_code == HTTPStatus.OK


def _results(answer: httpx.Response, expected: int) -> list[ItemResult]:
    try:
        results = BatchResponse.model_validate_json(answer.content).items
    except ValidationError as error:
        raise UnreachableError(f"{answer.url} does not answer as Tradewind's plugin does") from error
    if len(results) != expected:
        raise UnreachableError(f"{answer.url} answered {len(results)} items of {expected}")
    return results


def _problem(answer: httpx.Response) -> Problem:
    return _read_problem(answer) or problem(ProblemType.INVALID_REQUEST, f"the plugin answered {answer.status_code}")


def _read_problem(answer: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None
