"""`watchers`: a thousand clients of one API server's event streams: what they cost, and how soon each is notified.

Beside it Airflow's own `GET dagRuns/{id}/wait`, which asks the database for each client, with as many as it can serve.
"""

import asyncio
import time
from dataclasses import dataclass, field

import psutil
import psycopg
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from airflow_alone import AirflowServer, prepared, signed_in
from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed
from support.many_runs import StatementLog

CLIENTS = 1_000
PEER_CLIENTS = 50
PEER_INTERVAL = 0.2
"""Seconds from one look to the next: ours by default."""

CHANGES = 15
QUIET_SECONDS = 5
DAG_ID = "tasks_1"
TOLD = 60
"""Seconds after which a client counts as never notified."""

START = "UPDATE dag_run SET state = 'running', start_date = now(), updated_at = now() WHERE run_id = ANY(%s)"
QUEUE = (
    "UPDATE dag_run SET state = 'queued', clear_number = clear_number + 1, queued_at = now(), start_date = NULL,"
    " end_date = NULL, updated_at = now() WHERE run_id = ANY(%s)"
)
END = "UPDATE dag_run SET state = 'success', end_date = now(), updated_at = now() WHERE run_id = ANY(%s)"


@dataclass
class Crowd:
    """Clients that read; each line that tells a state is noted with its time."""

    airflow: AirflowApi
    marker: bytes
    heard: list[float] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def come(self, paths: list[str]) -> None:
        """Open the streams and wait until each has sent its first state."""
        self.tasks += [asyncio.create_task(self.listen(path)) for path in paths]
        await self.until(len(paths))

    async def listen(self, path: str) -> None:
        """Note each line that matters, until the stream ends."""
        async with self.airflow.stream(path) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                if self.marker in line:
                    self.heard.append(time.perf_counter())

    async def until(self, number: int) -> None:
        """Wait until so many lines were heard; raise TimeoutError."""
        async with asyncio.timeout(TOLD):
            while len(self.heard) < number:
                for task in self.tasks:
                    if task.done() and task.exception():
                        task.result()
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        """Close the streams."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()


def run() -> Benchmark:
    """Measure on a server of its own: no scheduler touches the runs."""
    with prepared() as alone, alone.server("watched") as server:
        log = StatementLog(server.database_url, alone.postgres.node.log_file)
        return asyncio.run(_run(server, log))


async def _run(server: AirflowServer, log: StatementLog) -> Benchmark:
    connector, patience = TCPConnector(limit=0), ClientTimeout(total=None)
    async with ClientSession(connector=connector, timeout=patience, read_bufsize=2**12) as http:
        airflow = await signed_in(http, server)
        # A run that was held tells two states when it starts: that it is queued, and that it runs.
        await airflow.pause(DAG_ID, paused=False)
        run_ids = [f"watched-{number}" for number in range(CLIENTS)]
        for begin in range(0, CLIENTS, 500):
            await airflow.trigger_batch([_item(run_id) for run_id in run_ids[begin : begin + 500]])
        figures = await _streams(server, log, airflow, "one_run", run_ids[:1])
        figures |= await _streams(server, log, airflow, "own_runs", run_ids)
        peer = await _waits(server, log, airflow, run_ids[:1])
    ratios = {
        "statements_per_client_to_airflow": figures["own_runs_statements_per_s"]
        / CLIENTS
        / (peer["statements_per_s"] / PEER_CLIENTS),
        "clients_to_airflow": CLIENTS / PEER_CLIENTS,
    }
    limits = (
        Limit("one_run_p99_ms", 500),
        Limit("own_runs_p99_ms", 500),
        # Seven statements at most, five times a second, and those that a transaction begins and ends with.
        Limit("one_run_statements_per_s", 60),
        Limit("own_runs_statements_per_s", 60),
    )
    return Benchmark("watchers", figures, peer, ratios, limits)


def _item(run_id: str) -> dict[str, object]:
    return {"workflow_id": DAG_ID, "workflow_type": "airflow", "workflow_run_id": run_id}


async def _streams(
    server: AirflowServer, log: StatementLog, airflow: AirflowApi, label: str, run_ids: list[str]
) -> Figures:
    crowd, before = Crowd(airflow, b"event: workflow."), _mib(server)
    paths = [f"/tradewind/workflows/{run_ids[number % len(run_ids)]}/events" for number in range(CLIENTS)]
    begun = time.perf_counter()
    await crowd.come(paths)
    came = time.perf_counter() - begun
    figures = {"clients": float(CLIENTS), "all_came_s": came, "statements_per_s": await _statements(log)}
    spent: list[float] = []
    busy = _cpu(server)
    for number in range(CHANGES):
        spent += await _told(crowd, server, QUEUE if number % 2 else START, run_ids)
    figures["cpu_ms_per_client_told"] = (_cpu(server) - busy) * 1000 / CHANGES / CLIENTS
    figures |= percentiles(spent) | {"memory_before_mib": before, "memory_after_mib": _mib(server)}
    figures["memory_per_client_kib"] = (figures["memory_after_mib"] - before) * 1024 / CLIENTS
    await crowd.leave()
    await asyncio.sleep(2)
    return prefixed(label, figures)


async def _told(crowd: Crowd, server: AirflowServer, change: str, run_ids: list[str]) -> list[float]:
    """Change the runs, and return how long after the commit each client was notified."""
    heard = len(crowd.heard)
    committed = await asyncio.to_thread(_write, server, change, run_ids)
    await crowd.until(heard + CLIENTS)
    return [at - committed for at in crowd.heard[heard : heard + CLIENTS]]


def _write(server: AirflowServer, change: str, run_ids: list[str]) -> float:
    with psycopg.connect(server.database_url) as database:
        database.execute(change.encode(), [run_ids])
        # Read before the commit: after it, this thread waits for the clients' to let it go on.
        committed = time.perf_counter()
        database.commit()
        return committed


async def _statements(log: StatementLog) -> float:
    """Return how many statements a second the clients cost while nothing happens."""
    position = log.position()
    await asyncio.sleep(QUIET_SECONDS)
    return len(log.since(position)) / QUIET_SECONDS


async def _waits(server: AirflowServer, log: StatementLog, airflow: AirflowApi, run_ids: list[str]) -> Figures:
    crowd = Crowd(airflow, b'"success"')
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_ids[0]}/wait?interval={PEER_INTERVAL}"
    crowd.tasks += [asyncio.create_task(crowd.listen(path)) for _ in range(PEER_CLIENTS)]
    await asyncio.sleep(QUIET_SECONDS)
    figures = {"clients": float(PEER_CLIENTS), "statements_per_s": await _statements(log)}
    committed = await asyncio.to_thread(_write, server, END, run_ids)
    await crowd.until(PEER_CLIENTS)
    figures |= percentiles([at - committed for at in crowd.heard])
    await crowd.leave()
    return figures


def _mib(server: AirflowServer) -> float:
    process = psutil.Process(server.pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 2**20


def _cpu(server: AirflowServer) -> float:
    times = psutil.Process(server.pid).cpu_times()
    return float(times.user + times.system)
