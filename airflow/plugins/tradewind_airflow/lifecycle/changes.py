"""The plugin's change feed, asked with the lifecycle's own Airflow user."""

from datetime import datetime
from http import HTTPStatus

import httpx
from airflow.sdk import Connection
from pydantic import ValidationError

from tradewind_airflow.triggerer.errors import UnreachableError
from tradewind_airflow.triggerer.session import AirflowSession, failure
from tradewind_contracts.changes import ChangePage

PATH = "/tradewind/workflows/changes"
MAX_EVENTS = 500
_MARGIN_SECONDS = 30
"""How much longer than it may wait a busy server may take to answer."""


class CursorRefusedError(Exception):
    """The feed does not know what to make of this cursor; it never will."""


class ChangeFeed:
    """Pages of changes. `wait`: how many seconds a page may wait for its first event."""

    def __init__(self, connection: Connection, wait: int, transport: httpx.BaseTransport | None = None) -> None:
        self._wait = wait
        self._session = AirflowSession(connection, httpx.Timeout(wait + _MARGIN_SECONDS, connect=5), transport)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def begin(self, since: datetime) -> str:
        """Return the cursor from which on everything comes that happened since then.

        Raises `UnreachableError`, and `LoginError`, after which another feed has to be made.
        """
        return self._ask(since=since.isoformat(), wait="0", limit="1").cursor

    def page(self, cursor: str) -> ChangePage:
        """Return what happened since the cursor, as soon as there is something; empty when nothing did for a while.

        Raises `CursorRefusedError`, `UnreachableError`, and `LoginError`, after which another feed has to be made.
        """
        return self._ask(cursor=cursor, wait=str(self._wait), limit=str(MAX_EVENTS))

    def _ask(self, **query: str) -> ChangePage:
        answer = self._session.request("GET", PATH, params=query)
        if answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise CursorRefusedError(f"{answer.status_code} from {PATH}: {answer.text[:500]}")
        if answer.status_code != HTTPStatus.OK:
            raise failure(answer)
        try:
            return ChangePage.model_validate_json(answer.content)
        except ValidationError as error:
            raise UnreachableError(f"{PATH} does not answer as Tradewind's plugin does") from error
