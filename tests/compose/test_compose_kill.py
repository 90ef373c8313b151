"""SIGKILL of any one container: it comes back by itself, and what was asked meanwhile ran, once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.compose.callers import EXAMPLE, TRIAGE, Callers
from support.compose.container import Container
from support.compose.exposure import SMALL
from support.compose.summary import Summary

HEALTHY_SECONDS = 240
SERVICES = (
    "postgres",
    "kafka",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "langgraph-service",
    "fastapi",
    "statsd-exporter",
    "prometheus",
    "alertmanager",
    "kafka-exporter",
    "node-exporter",
    "blackbox-exporter",
)


def kill(container: Container) -> None:
    """End a container as a crash does: `docker kill` would count as a stop that was asked for."""
    started = container.inspect()["State"]["StartedAt"]
    # From within the engine's machine, whichever that is: a number of its processes may be anybody's on this one.
    rights = ["--pid", "host", "--user", "0", "--cap-drop", "ALL", "--cap-add", "KILL", "--network", "none"]
    kill_it = ["--entrypoint", "sh", SMALL, "-c", f"kill -9 {container.pid}"]
    container.engine.docker("run", "--rm", *rights, *kill_it)
    deadline = time.monotonic() + 60
    while (state := container.inspect()["State"])["StartedAt"] == started or not state["Running"]:
        assert time.monotonic() < deadline, f"{container.name} was not started again"
        time.sleep(0.1)


def kill_and_wait(container: Container) -> float:
    """The seconds from the kill until the container is healthy again."""
    since = time.monotonic()
    kill(container)
    container.wait(HEALTHY_SECONDS)
    return time.monotonic() - since


def test_the_list_is_whole(callers: Callers) -> None:
    # Grafana is there only where its image can be pulled, and no work goes through it.
    assert set(SERVICES) == set(callers.project.long_running()) - {"grafana"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_and_nothing_is_lost(callers: Callers, service: str, summary: Summary) -> None:
    before = [callers.trigger(body) for body in (EXAMPLE, TRIAGE)]
    container = callers.project.container(service)
    with ThreadPoolExecutor(1) as watcher:
        back = watcher.submit(kill_and_wait, container)
        meanwhile = [callers.trigger(body) for body in (EXAMPLE, TRIAGE)]
        took = back.result()
    since = time.monotonic()
    callers.check_ran_once(*before, *meanwhile)
    summary.notes.append(
        f"killed {service}: healthy after {took:.0f} s, all four runs ended {time.monotonic() - since:.0f} s later"
    )
    for other in callers.project.long_running():
        callers.project.container(other).wait(HEALTHY_SECONDS)
