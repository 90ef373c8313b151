"""Airflow's API server, called with an Airflow connection's user."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from airflow.sdk import Connection

from tradewind_airflow.triggerer.errors import LoginError, UnreachableError

TOKEN_PATH = "/auth/token"  # noqa: S105  # a path


def base_url(connection: Connection) -> str:
    """Return the API server's address: the connection's host, with or without scheme, and its port."""
    host = (connection.host or "").rstrip("/")
    parts = urlsplit(host if "://" in host else f"{connection.schema or 'http'}://{host}")
    netloc = f"{parts.netloc}:{connection.port}" if connection.port and parts.port is None else parts.netloc
    return parts._replace(netloc=netloc).geturl()


class AirflowSession:
    """Keeps its connection and its token; one per thread."""

    def __init__(
        self, connection: Connection, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(base_url=base_url(connection), timeout=timeout, transport=transport)
        self._credentials = {"username": connection.login or "", "password": connection.password or ""}
        self._token: str | None = None

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer, whatever its status; raise `UnreachableError` or `LoginError`."""
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
            raise failure(answer)
        return str(answer.json()["access_token"])

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            detail = f"{type(error).__name__} at {self._http.base_url}{path}: is Airflow's API server up?"
            raise UnreachableError(detail) from error


def failure(answer: httpx.Response) -> Exception:
    """Return what an answer that is no success means, and what to look at."""
    told = f"{answer.status_code} from {answer.url.copy_with(query=None)}"
    match answer.status_code:
        case 401 | 403:
            return LoginError(f"{told}: check login, password and role of the user in the Airflow connection")
        case 404 | 405:
            return UnreachableError(f"{told}: is Tradewind's plugin in that API server's plugins folder?")
        case _:
            return UnreachableError(f"{told}: see that API server's log")
