"""Kills API servers inside of batches, and repeats each batch as a caller does until it has a clear answer."""

import queue
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from support.airflow_server import AirflowServer
from tradewind_contracts import run_ids

Item = dict[str, Any]

MADE = {"created", "exists"}
SECONDS_TO_START = 300
SECONDS_TO_ANSWER = 120


@dataclass
class Tally:
    """What the caller saw. `after_commit`: batches whose runs were there already when they were repeated."""

    kills: int = 0
    after_commit: int = 0
    unhurt: int = 0
    slowest_recovery: float = 0.0
    asked: dict[str, str] = field(default_factory=dict)
    """Run id -> workflow, of all items; each of them has been answered by `created` or `exists`."""


@dataclass(frozen=True)
class Found:
    """What the database holds of what was asked for, and beside it."""

    lost: int
    twice: int
    whole: int
    """Runs with all their task instances and one audit row."""


class BatchKills:
    """Several servers of one database, each of them started; whichever is killed is started again."""

    def __init__(self, servers: Sequence[AirflowServer], parameters: Mapping[str, Item], size: int, seed: int) -> None:
        self._parameters = parameters
        self._size = size
        self._chance = random.Random(seed)
        self._ready: queue.Queue[AirflowServer] = queue.Queue()
        self._database = servers[0]
        self._seconds = 0.0
        self.tally = Tally()
        for server in servers:
            self._ready.put(server)

    def run(self, kills: int, told: Callable[[], None] = lambda: None) -> Tally:
        """Go on until so many servers were killed while they had a batch; call `told` after each batch."""
        self._unhurt(self._items())
        with ThreadPoolExecutor() as pool:
            while self.tally.kills < kills:
                self._batch(pool)
                told()
        return self.tally

    def _batch(self, pool: ThreadPoolExecutor) -> None:
        items, server = self._items(), self._ready.get(timeout=SECONDS_TO_START)
        call = pool.submit(_post, server, items)
        time.sleep(self._chance.random() * self._seconds)
        if call.done():
            self._ready.put(server)
            _check(call.result())
            self.tally.unhurt += 1
            return
        server.kill()
        pool.submit(self._restart, server)
        self._repeat_if_lost(call, items)

    def _repeat_if_lost(self, call: "Future[list[str]]", items: list[Item]) -> None:
        begun = time.monotonic()
        try:
            _check(call.result())
        except httpx.TransportError:
            outcomes = self._unhurt(items)
            self.tally.kills += 1
            self.tally.after_commit += set(outcomes) == {"exists"}
            self.tally.slowest_recovery = max(self.tally.slowest_recovery, time.monotonic() - begun)

    def _unhurt(self, items: list[Item]) -> list[str]:
        server, begun = self._ready.get(timeout=SECONDS_TO_START), time.monotonic()
        outcomes = _check(_post(server, items))
        self._seconds = time.monotonic() - begun
        self._ready.put(server)
        return outcomes

    def _restart(self, server: AirflowServer) -> None:
        self._ready.put(server.start(SECONDS_TO_START))

    def _items(self) -> list[Item]:
        """A batch of the workflows in turn, each item with its own new run id."""
        names = list(self._parameters)
        items = []
        for number in range(self._size):
            name, run_id = names[number % len(names)], run_ids.new()
            self.tally.asked[run_id] = name
            items.append(
                {
                    "workflow_id": name,
                    "workflow_type": "airflow",
                    "parameters": self._parameters[name],
                    "workflow_run_id": run_id,
                }
            )
        return items

    def found(self, tasks: Mapping[str, int]) -> Found:
        """Compare the database with what was asked for; `tasks`: how many task instances a run of each workflow has."""
        rows = self._database.rows(
            "SELECT r.run_id, r.dag_id,"
            " (SELECT count(*) FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id) AS tasks,"
            " (SELECT count(*) FROM log l WHERE l.dag_id = r.dag_id AND l.run_id = r.run_id"
            "   AND l.event = 'tradewind_trigger') AS audited FROM dag_run r"
        )
        ours = [row for row in rows if self.tally.asked.get(row["run_id"]) == row["dag_id"]]
        whole = [row for row in ours if row["tasks"] == tasks[row["dag_id"]] and row["audited"] == 1]
        return Found(lost=len(self.tally.asked) - len(ours), twice=len(rows) - len(ours), whole=len(whole))


def _post(server: AirflowServer, items: list[Item]) -> list[str]:
    headers = {"authorization": f"Bearer {server.token('ingest')}"}
    url = f"{server.url}/tradewind/workflows/trigger/batch"
    answer = httpx.post(url, json={"items": items}, headers=headers, timeout=SECONDS_TO_ANSWER)
    answer.raise_for_status()
    return [result["outcome"] for result in answer.json()["items"]]


def _check(outcomes: list[str]) -> list[str]:
    assert set(outcomes) <= MADE, outcomes
    return outcomes
