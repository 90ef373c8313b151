"""Health checks of Airflow's components, and that they stay cheap."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tradewind_airflow.bootstrap import health


@pytest.mark.parametrize(
    ("job", "age", "environment", "problem"),
    [
        ("TriggererJob", 4.0, {}, None),
        ("TriggererJob", 31.0, {}, "the TriggererJob's latest heartbeat is 31 s old (limit 30 s)"),
        ("TriggererJob", 31.0, {"AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "60"}, None),
        ("DagProcessorJob", 9.0, {"AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD": "8"}, "limit 8 s"),
        ("SchedulerJob", None, {}, "no SchedulerJob runs on this host"),
    ],
)
def test_an_old_or_missing_heartbeat_is_a_problem(
    job: str, age: float | None, environment: dict[str, str], problem: str | None
) -> None:
    found = health.job_problem(job, age, environment)
    assert found == problem if problem is None else problem in (found or "")


def test_the_thresholds_are_airflows_own_options() -> None:
    from airflow.configuration import conf  # noqa: PLC0415  # takes a second

    for name in health.THRESHOLDS.values():
        section, option = name.removeprefix("AIRFLOW__").lower().split("__", 1)
        assert conf.get_default_value(section, option) == "30"


class Page(BaseHTTPRequestHandler):
    """Responds with the status in its path."""

    def do_GET(self) -> None:
        """Respond."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A real server's address."""
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_that_responds_with_success_is_healthy(url: str) -> None:
    assert health.main([f"{url}/200"]) == 0


def test_a_failing_or_missing_page_is_reported(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([f"{url}/503"]) == 1
    assert "503" in capsys.readouterr().err
    assert health.main(["http://127.0.0.1:1/"]) == 1
    assert "refused" in capsys.readouterr().err


def test_a_check_does_not_import_airflow() -> None:
    program = "import sys; from tradewind_airflow.bootstrap import health; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"airflow", "sqlalchemy", "pydantic", "fastapi", "confluent_kafka", "httpx", "asyncio"}
    assert not heavy & set(done.stdout.split())
