"""Airflow's own REST API (v2), as a user would call it: the peer of every figure."""

from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import aiohttp


class AirflowApi:
    """A signed-in client of one API server: its own endpoints, and the plugin's below `/tradewind`."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._headers: dict[str, str] = {}

    async def sign_in(self, username: str, password: str) -> None:
        """Get a JWT from `POST /auth/token` (SimpleAuthManager and FAB have it alike)."""
        body = {"username": username, "password": password}
        async with self._http.post(f"{self._base}/auth/token", json=body) as answer:
            answer.raise_for_status()
            self._headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Pause or unpause a DAG."""
        await self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused}, HTTPStatus.OK)

    async def create_run(self, dag_id: str) -> None:
        """Create one run by Airflow's own `POST /api/v2/dags/{dag_id}/dagRuns`."""
        body = {"logical_date": None, "conf": {"message": "bench"}}
        await self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, HTTPStatus.OK)

    async def trigger(self, item: dict[str, Any]) -> None:
        """Create one run through the plugin."""
        await self._call("POST", "/tradewind/workflows/trigger", item, HTTPStatus.ACCEPTED)

    async def trigger_batch(self, items: list[dict[str, Any]]) -> None:
        """Create runs through the plugin's batch endpoint; every one of them must be new."""
        answer = await self._call("POST", "/tradewind/workflows/trigger/batch", {"items": items}, HTTPStatus.OK)
        outcomes = {item["outcome"] for item in answer["items"]}
        if outcomes != {"created"}:
            raise RuntimeError(f"the batch answered {outcomes}")

    async def get(self, path: str) -> Any:
        """Read something of either."""
        return await self._call("GET", path, None, HTTPStatus.OK)

    async def post(self, path: str, body: object) -> Any:
        """Ask for something that takes a body."""
        return await self._call("POST", path, body, HTTPStatus.OK)

    def stream(self, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Open an answer that is read while it comes."""
        return self._http.get(self._base + path, headers=self._headers)

    async def _call(self, method: str, path: str, body: object, expected: HTTPStatus) -> Any:
        async with self._http.request(method, self._base + path, json=body, headers=self._headers) as answer:
            if answer.status != expected:
                raise RuntimeError(f"{method} {path} answered {answer.status}: {(await answer.text())[:300]}")
            return await answer.json()
