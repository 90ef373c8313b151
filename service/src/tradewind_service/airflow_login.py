"""How Tradewind's services authenticate to the engines: Airflow's JWT, and a static bearer token."""

import asyncio
import base64
import json
import math
import threading
import time
from collections.abc import AsyncGenerator, Generator
from http import HTTPStatus

import httpx
from pydantic import SecretStr
from typing_extensions import override

TOKEN_PATH = "/auth/token"  # noqa: S105  # a path
_EARLY_SECONDS = 30.0
_MIN_AGE_SECONDS = 10.0


class AirflowLoginError(httpx.RequestError):
    """Airflow's response contains no token."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"Airflow returned no token: {response.status_code}", request=response.request)
        self.response = response


class BearerAuth(httpx.Auth):
    """A static bearer token (RFC 6750)."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


class AirflowLogin(httpx.Auth):
    """Airflow's token API: `POST /auth/token`, then Bearer. A new token before the old one expires or is rejected.

    One request at a time gets a token, all others wait for it. Airflow answers 401 for an expired token and 403 for one
    that another secret signed (airflow/api_fastapi/core_api/security.py), as after a restart with a new secret; a fresh
    token's 403 means that the user is not allowed, and is returned. Raises `AirflowLoginError`.
    """

    def __init__(self, base_url: str, username: str, password: SecretStr) -> None:
        self._url = f"{base_url}{TOKEN_PATH}"
        self._username = username
        self._password = password
        self._token = ""
        self._taken_at = self._expires_at = 0.0
        self._lock = asyncio.Lock()
        self._thread_lock = threading.Lock()

    @override
    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        with self._thread_lock:
            if self._is_expired():
                yield from self._log_in(request)
        used = self._sign(request)
        response = yield request
        if self._is_refused(response, used):
            with self._thread_lock:
                if self._token == used:
                    yield from self._log_in(request)
            self._sign(request)
            yield request

    def _log_in(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield self._token_request(request)
        response.read()
        self._keep(response)

    @override
    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        async with self._lock:
            if self._is_expired():
                self._keep(await _read((yield self._token_request(request))))
        used = self._sign(request)
        response = yield request
        if self._is_refused(response, used):
            async with self._lock:
                if self._token == used:
                    self._keep(await _read((yield self._token_request(request))))
            self._sign(request)
            yield request

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        body = {"username": self._username, "password": self._password.get_secret_value()}
        # httpx gives its time-outs to the caller's request alone.
        return httpx.Request(
            "POST", self._url, json=body, extensions={"timeout": request.extensions.get("timeout", {})}
        )

    def _is_expired(self) -> bool:
        return time.time() >= self._expires_at

    def _keep(self, response: httpx.Response) -> None:
        self._token = _token(response)
        self._taken_at = time.time()
        lifetime = _expiry(self._token) - self._taken_at
        # By clocks that differ it may have ended already: then Airflow's 401 says when.
        lifetime = lifetime if lifetime > 0 else math.inf
        self._expires_at = self._taken_at + lifetime - min(_EARLY_SECONDS, lifetime / 10)

    def _sign(self, request: httpx.Request) -> str:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return self._token

    def _is_refused(self, response: httpx.Response, used: str) -> bool:
        old = used != self._token or time.time() - self._taken_at > _MIN_AGE_SECONDS
        return response.status_code == HTTPStatus.UNAUTHORIZED or (response.status_code == HTTPStatus.FORBIDDEN and old)


async def _read(response: httpx.Response) -> httpx.Response:
    await response.aread()
    return response


def _token(response: httpx.Response) -> str:
    try:
        token = response.json()["access_token"] if response.status_code == HTTPStatus.CREATED else None
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str):
        raise AirflowLoginError(response)
    return token


def _expiry(token: str) -> float:
    """Return a JWT's `exp` in Unix seconds, unverified as it is ours; a token without one never expires here."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError, OverflowError):
        return math.inf
