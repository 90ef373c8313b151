"""The first start: everything is well, in order, and as closed as the file says."""

from typing import Any

import pytest

from support.compose.container import Container
from support.compose.engine import EngineError
from support.compose.project import Project
from support.compose.summary import Summary

BEFORE = {
    "postgres": ("postgres-init",),
    "postgres-init": ("airflow-init", "langgraph-service"),
    "kafka": ("kafka-init",),
    "kafka-init": ("fastapi", "langgraph-service", "airflow-triggerer", "kafka-exporter"),
    "statsd-exporter": ("airflow-init",),
    "airflow-init": ("airflow-apiserver",),
    "airflow-apiserver": ("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
}


@pytest.fixture(scope="module")
def configured(running: Project) -> dict[str, dict[str, Any]]:
    """What the file says of each service."""
    services: dict[str, dict[str, Any]] = running.configuration()["services"]
    return services


def test_everything_is_well(running: Project) -> None:
    states = {one.service: one.state for one in running.containers()}
    assert set(states) == set(running.services())
    assert set(states.values()) <= {"healthy", "exited 0"}


def test_nothing_was_ready_before_what_it_needs(running: Project, summary: Summary) -> None:
    ready = {name: seconds for name, _, seconds, _ in summary.services}
    assert set(ready) == set(running.services())
    early = [(first, second) for first, seconds in BEFORE.items() for second in seconds if ready[first] > ready[second]]
    assert early == []


def test_ports_are_published_on_this_machine_alone(running: Project) -> None:
    hosts = {
        bound["HostIp"]
        for one in running.containers()
        for bindings in one.inspect()["NetworkSettings"]["Ports"].values()
        for bound in bindings or []
    }
    assert hosts == {"127.0.0.1"}


def test_nobody_is_root(running: Project) -> None:
    for service in running.long_running():
        said = running.engine.docker("top", running.container(service).id, "-eo", "pid,uid,args").splitlines()[1:]
        assert said
        assert [line for line in said if line.split()[1] == "0"] == [], service


def test_file_systems_cannot_be_written(running: Project, configured: dict[str, dict[str, Any]]) -> None:
    for service in running.long_running():
        expected = "Read-only file system" if configured[service].get("read_only") else "Permission denied"
        with pytest.raises(EngineError, match=expected):
            running.container(service).run("sh", "-c", "echo x > /usr/x || echo x > /bin/x")


def test_nothing_can_gain_rights(running: Project) -> None:
    for service in running.long_running():
        status = running.container(service).run("cat", "/proc/1/status")
        rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert rows["NoNewPrivs"].strip() == "1", service
        assert int(rows["CapBnd"], 16) == 0, service


def test_limits_are_in_effect(running: Project, configured: dict[str, dict[str, Any]]) -> None:
    for service in running.long_running():
        limits = configured[service]["deploy"]["resources"]["limits"]
        container = running.container(service)
        assert memory_limit(container) == int(limits["memory"]), service
        assert int(cgroup(container, "pids.max", "pids/pids.max")) == limits["pids"], service


def memory_limit(container: Container) -> int:
    """The container's memory limit, bytes, as the kernel has it."""
    return int(cgroup(container, "memory.max", "memory/memory.limit_in_bytes"))


def cgroup(container: Container, second: str, first: str) -> str:
    """A control file of the container's group, of version 2 or else version 1."""
    return container.run("sh", "-c", f"cat /sys/fs/cgroup/{second} 2>/dev/null || cat /sys/fs/cgroup/{first}").strip()
