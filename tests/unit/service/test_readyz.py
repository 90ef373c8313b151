"""The health check of a service's container, against a real server that says what the test wants."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tradewind_service import readyz

MODULES = {"FASTAPI": "tradewind_api.health", "LANGGRAPH": "tradewind_agents.health"}


class Service(ThreadingHTTPServer):
    """A service on a free port of this machine."""

    daemon_threads = True
    status = 200
    said = b"ready"
    asked: list[str]
    held: threading.Event

    def __init__(self) -> None:
        self.asked, self.held = [], threading.Event()
        self.held.set()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:  # http.server's name
        self.server.asked.append(self.path)
        self.server.held.wait(10)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        yield service
        service.held.set()
        service.shutdown()
        thread.join()


def test_ready_is_a_200(service: Service) -> None:
    assert readyz.ask("127.0.0.1", service.server_port) is None
    assert service.asked == ["/readyz"]


def test_what_is_missing_is_reported(service: Service) -> None:
    service.status, service.said = 503, b"Postgres does not answer" + b"." * 10_000
    said = readyz.ask("127.0.0.1", service.server_port) or ""
    assert said.startswith("503 Postgres does not answer")
    assert len(said) < 2100


def test_a_service_that_holds_its_answer_back_is_not_ready(service: Service) -> None:
    service.held.clear()
    assert "TimeoutError" in (readyz.ask("127.0.0.1", service.server_port, timeout=0.1) or "")


def test_who_does_not_listen_is_not_ready() -> None:
    with Service() as gone:
        pass
    assert "ConnectionRefusedError" in (readyz.ask("127.0.0.1", gone.server_port) or "")


@pytest.mark.parametrize("host", [None, "", "0.0.0.0", "::", "127.0.0.1", "localhost"])  # noqa: S104  # what services listen on
def test_the_service_is_asked_where_it_listens(
    service: Service, monkeypatch: pytest.MonkeyPatch, host: str | None
) -> None:
    monkeypatch.setenv("THE_PORT", str(service.server_port))
    monkeypatch.delenv("THE_HOST", raising=False)
    if host is not None:
        monkeypatch.setenv("THE_HOST", host)
    assert readyz.check("THE", 1) == 0


def test_without_a_variable_it_is_the_usual_port(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THE_PORT", "")
    assert readyz.check("THE", service.server_port) == 0
    service.status = 503
    assert readyz.check("THE", service.server_port) == 1
    assert capsys.readouterr().err == "not ready: 503 ready\n"


@pytest.mark.parametrize("prefix", MODULES)
def test_a_proxy_of_the_environment_is_not_asked(service: Service, prefix: str) -> None:
    environment = {f"{prefix}_PORT": str(service.server_port), "http_proxy": "http://127.0.0.1:9"}
    run = subprocess.run([sys.executable, "-m", MODULES[prefix]], env=environment, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    service.status = 503
    run = subprocess.run([sys.executable, "-m", MODULES[prefix]], env=environment, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (1, b"not ready: 503 ready\n")


@pytest.mark.parametrize("module", MODULES.values())
def test_a_check_every_few_seconds_loads_no_framework(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fastapi", "pydantic", "starlette", "uvicorn", "confluent_kafka", "langgraph"} & set(loaded)
