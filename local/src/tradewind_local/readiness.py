"""When an HTTP part is ready: what it says itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

TIMEOUT_SECONDS = 5


def answers_ok(url: str) -> bool:
    """Whether `url` answers 200."""
    return _get(url) is not None


def engines_listed(api_url: str, token: str) -> set[str]:
    """The engines whose workflows the facade lists now: what it has never read, it takes no trigger for."""
    answer = _get(f"{api_url}/workflows", token)
    return {info["workflow_type"] for info in answer.json()} if answer else set()


def _get(url: str, token: str = "") -> httpx.Response | None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # No proxy of the environment is between two processes of one machine.
        answer = httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers)
    except httpx.HTTPError:
        return None
    return answer if answer.status_code == httpx.codes.OK else None


@dataclass(frozen=True)
class AirflowHealth:
    """One Airflow part as the API server's health document tells it."""

    base_url: str
    command: str

    def is_ready(self, started: float) -> bool:
        """Whether the part is healthy by a heartbeat that is younger than `started`, seconds since 1970."""
        answer = _get(f"{self.base_url}/api/v2/monitor/health")
        if answer is None:
            return False
        return self.command == "api-server" or is_healthy(answer.json(), self.command.replace("-", "_"), started)


def is_healthy(document: dict[str, Any], component: str, started: float) -> bool:
    """Whether `component` is healthy since `started`: the heartbeat of a process that was killed does not count."""
    health = document.get(component) or {}
    heartbeat = health.get(f"latest_{component}_heartbeat")
    if health.get("status") != "healthy" or not heartbeat:
        return False
    return datetime.fromisoformat(heartbeat).timestamp() >= started
