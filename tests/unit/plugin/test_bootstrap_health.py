"""Health checks of Airflow's parts: their verdicts, where the database is, and that they stay cheap."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tradewind_airflow.bootstrap import database, health


@pytest.mark.parametrize(
    ("job", "age", "environment", "wrong"),
    [
        ("TriggererJob", 4.0, {}, None),
        ("TriggererJob", 31.0, {}, "the TriggererJob's latest heartbeat is 31 s old (limit 30 s)"),
        ("TriggererJob", 31.0, {"AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "60"}, None),
        ("DagProcessorJob", 9.0, {"AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD": "8"}, "limit 8 s"),
        ("SchedulerJob", None, {}, "no SchedulerJob runs on this host"),
    ],
)
def test_a_heartbeat_is_judged(job: str, age: float | None, environment: dict[str, str], wrong: str | None) -> None:
    found = health.verdict(job, age, environment)
    assert found == wrong if wrong is None else wrong in (found or "")


def test_the_thresholds_are_airflows_own_options() -> None:
    from airflow.configuration import conf  # noqa: PLC0415  # a second, that the other tests need not wait for

    for name in health.THRESHOLDS.values():
        section, option = name.removeprefix("AIRFLOW__").lower().split("__", 1)
        assert conf.get_default_value(section, option) == "30"


@pytest.mark.parametrize(
    "environment",
    [
        {database.SETTING: "postgresql+psycopg2://me:p%2Fw@host/db"},
        {f"{database.SETTING}_CMD": "printf %s postgresql+psycopg2://me:p%2Fw@host/db"},
        {database.SETTING: "postgresql://me:p%2Fw@host/db", f"{database.SETTING}_CMD": "false"},
    ],
)
def test_the_database_is_found_as_airflow_finds_it(environment: dict[str, str]) -> None:
    assert database.url(environment) == "postgresql://me:p%2Fw@host/db"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "names no PostgreSQL"),
        ({database.SETTING: "sqlite:///somewhere"}, "names no PostgreSQL"),
        ({f"{database.SETTING}_CMD": "false"}, "_CMD failed"),
        ({f"{database.SETTING}_CMD": "sh -c 'echo no file >&2; exit 1'"}, "no file"),
    ],
)
def test_a_database_that_cannot_be_found_is_told(environment: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        database.url(environment)


class Page(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    """A real server's address."""
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_is_healthy_when_it_answers_with_success(url: str) -> None:
    assert health.main([f"{url}/200"]) == 0


def test_a_page_that_fails_or_is_not_there_says_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([f"{url}/503"]) == 1
    assert "503" in capsys.readouterr().err
    assert health.main(["http://127.0.0.1:1/"]) == 1
    assert "refused" in capsys.readouterr().err


def test_a_check_imports_nothing_of_airflow() -> None:
    program = "import sys; from tradewind_airflow.bootstrap import health; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"airflow", "sqlalchemy", "pydantic", "fastapi", "confluent_kafka", "httpx", "asyncio"}
    assert not heavy & set(done.stdout.split())
