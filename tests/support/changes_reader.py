"""A client of `GET /tradewind/workflows/changes`, and runs for it."""

from typing import Any

import httpx

from tradewind_contracts import run_ids


class ChangesReader:
    """Follows the changes; `seen` holds each event once, as consumers store it; `received` counts repeats as well."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.seen: dict[str, dict[str, Any]] = {}
        self.received = 0
        self.cursor = self.page()["cursor"]

    def page(self, **query: Any) -> dict[str, Any]:
        answer = self.client.get("/workflows/changes", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        assert len(page["cursor"]) <= 200
        return page

    def read(self, wait: float = 0, limit: int = 500) -> list[dict[str, Any]]:
        """The new events of the next page."""
        page = self.page(cursor=self.cursor, wait=wait, limit=limit)
        self.cursor = page["cursor"]
        self.received += len(page["events"])
        new = [event for event in page["events"] if event["event_id"] not in self.seen]
        self.seen |= {event["event_id"]: event for event in new}
        return new

    def statuses(self, run_id: str) -> list[str]:
        """A run's statuses in the order received."""
        return [event["payload"]["status"] for event in self.seen.values() if event["workflow_run_id"] == run_id]

    def next(self, run_id: str) -> list[str]:
        """A run's statuses on the next page."""
        return [event["payload"]["status"] for event in self.read() if event["workflow_run_id"] == run_id]


def made(client: httpx.Client, workflow_id: str = "test_watched", count: int = 1) -> list[str]:
    """The ids of new runs."""
    wanted = [
        {"workflow_id": workflow_id, "workflow_type": "airflow", "workflow_run_id": run_ids.new()} for _ in range(count)
    ]
    results = client.post("/workflows/trigger/batch", json={"items": wanted}).json()["items"]
    assert {result["outcome"] for result in results} == {"created"}, results[0]
    return [result["workflow_run_id"] for result in results]
