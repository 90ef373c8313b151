"""A caller that does what the API guide says: repeat with the same `Idempotency-Key` until there is a clear answer."""

import asyncio
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

MESSAGE = Path(__file__).parents[1] / "tests" / "data" / "settlement"
RETRY_SECONDS = 0.5
TRIES = 240


@dataclass(frozen=True)
class Trigger:
    """One thing to be run, and the key that makes its repeats the same."""

    workflow_id: str
    workflow_type: str
    parameters: dict[str, Any]
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def body(self) -> dict[str, Any]:
        """The request's body."""
        return {
            "workflow_id": self.workflow_id,
            "workflow_type": self.workflow_type,
            "parameters": self.parameters,
        }


def triggers(label: str, count: int) -> list[Trigger]:
    """Return `count` triggers of each type, in turns."""
    message = min(MESSAGE.glob("*LACK*"), default=min(MESSAGE.glob("sese*"))).read_text()
    made = []
    for number in range(count):
        made.append(Trigger("example_workflow", "airflow", {"message": f"{label} {number}"}))
        made.append(Trigger("settlement_fail_triage", "langgraph", {"message": message}))
    return made


class Caller:
    """Sends triggers to the facade."""

    def __init__(self, http: ClientSession, url: str, headers: dict[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def send(self, trigger: Trigger) -> str:
        """Return the run's id once the trigger is accepted; raise RuntimeError when it never is."""
        for _ in range(TRIES):
            answer = await self._try(trigger)
            if answer is not None:
                return answer
            await asyncio.sleep(RETRY_SECONDS)
        raise RuntimeError(f"no clear answer in {TRIES} tries")

    async def _try(self, trigger: Trigger) -> str | None:
        headers = {**self._headers, "Idempotency-Key": f'"{trigger.key}"'}
        try:
            async with self._http.post(f"{self._url}/workflows/trigger", json=trigger.body, headers=headers) as answer:
                if answer.status == 202:
                    return str((await answer.json())["workflow_run_id"])
                if answer.status < 500:
                    raise RuntimeError(f"the facade answered {answer.status}: {(await answer.text())[:300]}")
        except (ClientError, TimeoutError):
            return None
        return None
