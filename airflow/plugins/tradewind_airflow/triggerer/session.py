"""HTTP requests to Airflow's API server as an Airflow connection's user."""

from typing import Any
from urllib.parse import urlsplit

import httpx
from airflow.sdk import Connection
from pydantic import SecretStr

from tradewind_airflow.triggerer.errors import LoginError, UnreachableError
from tradewind_service.airflow_login import AirflowLogin, AirflowLoginError


def base_url(connection: Connection) -> str:
    """Return the API server's address: the connection's host, with or without scheme, and its port."""
    host = (connection.host or "").rstrip("/")
    parts = urlsplit(host if "://" in host else f"{connection.schema or 'http'}://{host}")
    netloc = f"{parts.netloc}:{connection.port}" if connection.port and parts.port is None else parts.netloc
    return parts._replace(netloc=netloc).geturl()


class AirflowSession:
    """Keeps the connection open and the token; one per thread."""

    def __init__(
        self, connection: Connection, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None
    ) -> None:
        address = base_url(connection)
        login = AirflowLogin(address, connection.login or "", SecretStr(connection.password or ""))
        self._http = httpx.Client(base_url=address, auth=login, timeout=timeout, transport=transport)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the response, whatever its status; raise `UnreachableError` or `LoginError`."""
        try:
            return self._http.request(method, path, **request)
        except AirflowLoginError as error:
            raise failure(error.response) from error
        except httpx.HTTPError as error:
            detail = f"{type(error).__name__} at {self._http.base_url}{path}: is Airflow's API server up?"
            raise UnreachableError(detail) from error


def failure(response: httpx.Response) -> Exception:
    """Return the error of an unsuccessful response, with what to check."""
    what = f"{response.status_code} from {response.url.copy_with(query=None)}"
    match response.status_code:
        case 401 | 403:
            return LoginError(f"{what}: check login, password and role of the user in the Airflow connection")
        case 404 | 405:
            return UnreachableError(f"{what}: is Tradewind's plugin in that API server's plugins folder?")
        case _:
            return UnreachableError(f"{what}: see that API server's log")
