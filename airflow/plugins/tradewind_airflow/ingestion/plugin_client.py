"""The plugin's batch endpoint, called with the ingestion's own Airflow user."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from airflow.sdk import Connection
from pydantic import ValidationError

from tradewind_contracts.batches import BatchItem, BatchRequest, BatchResponse, ItemResult, Outcome
from tradewind_contracts.problems import Problem, ProblemType, problem

LIST_PATH = "/tradewind/workflows"
BATCH_PATH = "/tradewind/workflows/trigger/batch"
TOKEN_PATH = "/auth/token"  # noqa: S105  # a path
TIMEOUT = httpx.Timeout(120, connect=5)
"""Seconds. A batch of 500 runs may take long on a busy machine, and asking again would only add to that."""

_ITEM_FAULTS = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}


class UnreachableError(Exception):
    """Nothing was learnt of the items: ask again later. The message says what to look at."""


class LoginError(Exception):
    """Airflow does not let the ingestion in: somebody has to mend its connection or its user's role."""


def base_url(connection: Connection) -> str:
    """Return the API server's address: the connection's host, with or without scheme, and its port."""
    host = (connection.host or "").rstrip("/")
    parts = urlsplit(host if "://" in host else f"{connection.schema or 'http'}://{host}")
    netloc = f"{parts.netloc}:{connection.port}" if connection.port and parts.port is None else parts.netloc
    return parts._replace(netloc=netloc).geturl()


class PluginClient:
    """Keeps its connection and its token; one per thread."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=base_url(connection), timeout=TIMEOUT, transport=transport)
        self._credentials = {"username": connection.login or "", "password": connection.password or ""}
        self._token: str | None = None

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def warm_up(self) -> None:
        """Log in and have the DAGs read, so that the first event does not pay for it; nothing depends on it."""
        with suppress(UnreachableError, LoginError):
            self._authorized("GET", LIST_PATH)

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return the plugin's answer to each item, in order; what they say is committed. Safe to repeat.

        Raises `UnreachableError`, and `LoginError`, after which another client has to be made.
        """
        body = BatchRequest.model_construct(items=list(items)).model_dump_json(exclude_none=True)
        answer = self._authorized("POST", BATCH_PATH, content=body, headers={"content-type": "application/json"})
        if answer.status_code == HTTPStatus.OK:
            return _results(answer, len(items))
        if answer.status_code not in _ITEM_FAULTS:
            raise _failure(answer)
        if len(items) == 1:
            return [ItemResult(outcome=Outcome.REJECTED, problem=_problem(answer))]
        # Refused as a whole because of one of them: find it, so that it costs no other item its run.
        middle = len(items) // 2
        return self.trigger(items[:middle]) + self.trigger(items[middle:])

    def _authorized(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._send(method, path, auth=self._bearer, **request)
        # Airflow answers 403, not 401, to a token that another secret signed.
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self._token = None
            answer = self._send(method, path, auth=self._bearer, **request)
        return answer

    def _bearer(self, request: httpx.Request) -> httpx.Request:
        self._token = self._token or self._log_in()
        request.headers["authorization"] = f"Bearer {self._token}"
        return request

    def _log_in(self) -> str:
        answer = self._send("POST", TOKEN_PATH, json=self._credentials)
        if answer.status_code != HTTPStatus.CREATED:
            raise _failure(answer)
        return str(answer.json()["access_token"])

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            detail = f"{type(error).__name__} at {self._http.base_url}{path}: is Airflow's API server up?"
            raise UnreachableError(detail) from error


def _results(answer: httpx.Response, expected: int) -> list[ItemResult]:
    try:
        results = BatchResponse.model_validate_json(answer.content).items
    except ValidationError as error:
        raise UnreachableError(f"{answer.url} does not answer as Tradewind's plugin does") from error
    if len(results) != expected:
        raise UnreachableError(f"{answer.url} answered {len(results)} items of {expected}")
    return results


def _failure(answer: httpx.Response) -> Exception:
    told = f"{answer.status_code} from {answer.url}"
    match answer.status_code:
        case 401 | 403:
            return LoginError(f"{told}: check login, password and role of the ingestion's Airflow connection")
        case 404 | 405:
            return UnreachableError(f"{told}: is Tradewind's plugin in that API server's plugins folder?")
        case _:
            return UnreachableError(f"{told}: see that API server's log")


def _problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return problem(ProblemType.INVALID_REQUEST, f"the plugin answered {answer.status_code}")
