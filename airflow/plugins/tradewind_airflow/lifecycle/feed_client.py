"""The HTTP client of the plugin's change feed, with the lifecycle's own Airflow user."""

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
"""How much longer than `wait` a busy server may take to respond."""


class CursorRefusedError(Exception):
    """The feed does not accept this cursor; retrying is of no use."""


class ChangeFeedClient:
    """Requests pages of changes. `wait`: how many seconds a request may wait for the first event."""

    def __init__(self, connection: Connection, wait: int, transport: httpx.BaseTransport | None = None) -> None:
        self._wait = wait
        self._session = AirflowSession(connection, httpx.Timeout(wait + _MARGIN_SECONDS, connect=5), transport)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def begin(self, since: datetime) -> str:
        """Return the cursor of everything since an instant.

        Raises `UnreachableError`, and `LoginError`, after which a new client has to be created.
        """
        return self._get(since=since.isoformat(), wait="0", limit="1").cursor

    def page(self, cursor: str) -> ChangePage:
        """Return what happened since the cursor, as soon as there is something; empty if nothing did within `wait`.

        Raises `CursorRefusedError`, `UnreachableError`, and `LoginError`, after which a new client has to be created.
        """
        return self._get(cursor=cursor, wait=str(self._wait), limit=str(MAX_EVENTS))

    def _get(self, **query: str) -> ChangePage:
        response = self._session.request("GET", PATH, params=query)
        if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise CursorRefusedError(f"{response.status_code} from {PATH}: {response.text[:500]}")
        if response.status_code != HTTPStatus.OK:
            raise failure(response)
        try:
            return ChangePage.model_validate_json(response.content)
        except ValidationError as error:
            raise UnreachableError(f"the response of {PATH} is not one of Tradewind's plugin") from error
