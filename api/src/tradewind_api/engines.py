"""HTTP clients of the engines: their workflows and the status of a run. Both engines serve the same two paths."""

import asyncio
import random
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode

import httpx

from tradewind_api import engine_answers
from tradewind_api.engine_answers import OnceLogger
from tradewind_api.metrics import Metrics
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus, WorkflowType

_ATTEMPTS = 2


class EngineDownError(Exception):
    """The engine gave no usable answer: it is down, too slow, refuses our credentials, or breaks the contract."""


class Engine(Protocol):
    """Runs the workflows of one type."""

    async def status(self, workflow_run_id: str, workflow_id: str | None = None) -> WorkflowStatus | None:
        """Return the run's status, or None if the engine has no such run; raise `EngineDownError`.

        `workflow_id`, if known, spares the engine a search over all its workflows.
        """
        ...

    async def workflows(self) -> list[WorkflowInfo]:
        """Return the workflows it can run; raise `EngineDownError`."""
        ...


Engines = Mapping[WorkflowType, Engine]


class HttpEngine:
    """An engine behind HTTP, at the base URL and with the credentials of the client it is given."""

    def __init__(
        self, workflow_type: WorkflowType, client: httpx.AsyncClient, metrics: Metrics, timeout_seconds: float
    ) -> None:
        self._type = workflow_type
        self._client = client
        self._metrics = metrics
        self._timeout_seconds = timeout_seconds
        self._log = OnceLogger(workflow_type)

    async def status(self, workflow_run_id: str, workflow_id: str | None = None) -> WorkflowStatus | None:
        """Return the run's status, or None if the engine has no such run; raise `EngineDownError`."""
        if ".." in workflow_run_id or workflow_run_id == ".":
            return None  # in a path such an id would name another resource; no engine accepts it as a run id
        path = f"workflows/{workflow_run_id}/status"
        response = await self._get(
            "status", f"{path}?{urlencode({'workflow_id': workflow_id})}" if workflow_id else path
        )
        if _is_unknown_run(response):
            return None
        try:
            return engine_answers.run_status(_content(response), self._log.warn)
        except ValueError as error:
            raise EngineDownError(f"{self._type}: not a WorkflowStatus: {_first_line(error)}") from error

    async def workflows(self) -> list[WorkflowInfo]:
        """Return the workflows it can run; raise `EngineDownError`."""
        response = await self._get("workflows", "workflows")
        try:
            found = engine_answers.workflow_infos(_content(response), self._log.warn)
        except ValueError as error:
            raise EngineDownError(f"{self._type}: not a list of workflows: {_first_line(error)}") from error
        return [info for info in found if info.workflow_type == self._type]

    async def _get(self, operation: str, path: str) -> httpx.Response:
        with self._metrics.asking(self._type, operation):
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    response = await self._attempt(path)
            except (httpx.HTTPError, TimeoutError) as error:
                self._metrics.engine_up.labels(self._type).set(0)
                raise EngineDownError(f"{self._type}: {type(error).__name__} {error}".rstrip()) from error
        self._metrics.engine_up.labels(self._type).set(1)
        return response

    async def _attempt(self, path: str) -> httpx.Response:
        # The engine may just have closed this kept-alive connection: one retry, with jitter.
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._client.get(path)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                await asyncio.sleep(random.uniform(0.02, 0.08))  # noqa: S311  # jitter is no secret
        return await self._client.get(path)


def _is_unknown_run(response: httpx.Response) -> bool:
    # Only the engine's own problem counts: a 404 of a proxy, or of Airflow without our plugin, says nothing of the run.
    if response.status_code != HTTPStatus.NOT_FOUND:
        return False
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("type") == ProblemType.UNKNOWN_RUN.uri


def _first_line(error: Exception) -> str:
    # The lines after it quote the engine's answer.
    return str(error).partition("\n")[0]


def _content(response: httpx.Response) -> bytes:
    if response.status_code != HTTPStatus.OK:
        raise EngineDownError(f"{response.request.url.path} answered {response.status_code}")
    return response.content
