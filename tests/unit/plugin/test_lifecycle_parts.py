"""The lifecycle's small parts: settings, records, the feed's HTTP side, the thread."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from airflow.sdk import Connection
from confluent_kafka import Consumer, Producer

from support.lifecycle_suite import changed
from tradewind_airflow.lifecycle import marks
from tradewind_airflow.lifecycle.changes import ChangeFeed, CursorRefusedError
from tradewind_airflow.lifecycle.settings import LifecycleSettings, producer_config, reader_config
from tradewind_airflow.triggerer.errors import ConfigurationError, LoginError, UnreachableError
from tradewind_airflow.triggerer.worker import Job, Worker
from tradewind_contracts import records
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.topics import WORKFLOW_STATUS

CONNECTION = {"bootstrap.servers": "localhost:9092", "group.id": "theirs", "acks": "0", "enable.auto.commit": True}


def test_order_and_acknowledgement_are_not_the_connections_to_say(capfd: pytest.CaptureFixture[str]) -> None:
    config = producer_config(CONNECTION)
    forced = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": 0}
    assert {key: config[key] for key in forced} == forced
    Producer(config, logger=logging.getLogger("test")).flush(0)
    reader = reader_config(CONNECTION)
    assert reader["enable.auto.commit"] is False
    assert reader["group.id"] != "theirs"
    Consumer(reader, logger=logging.getLogger("test")).close()
    # librdkafka warns about each option that a client has no use for.
    assert "CONFWARN" not in capfd.readouterr().err


def test_it_looks_back_as_long_as_the_topic_keeps_records() -> None:
    assert LifecycleSettings().look_back * 1000 == WORKFLOW_STATUS.retention_ms


@pytest.mark.parametrize(
    ("include", "exclude", "dag_id", "expected"),
    [
        ("*", "", "any", True),
        ("*", "an*", "any", False),
        ("a, b", "", "b", True),
        ("a, b", "", "B", False),
        ("a*", "*_test", "a_test", False),
        ("", "", "any", False),
    ],
)
def test_patterns_select_dags(include: str, exclude: str, dag_id: str, expected: bool) -> None:  # a case
    assert LifecycleSettings(include=include, exclude=exclude).includes(dag_id) is expected


def test_a_record_is_the_event_and_says_where_its_publisher_was() -> None:
    made = marks.record(changed("run", result={"a": 1}), "here", "airflow")
    assert records.decode(made.value, made.headers).event == changed("run", result={"a": 1})
    assert marks.read(made.headers, "airflow", 7) == marks.Mark("here", changed("run").event_id, 7)
    assert marks.read(made.headers, "another") is None


def test_a_large_result_is_left_to_the_status_answer() -> None:
    made = marks.record(changed("run", result="x" * 600_000, error="y" * 600_000), "here", "airflow")
    assert len(made.value) < marks.MAX_VALUE
    event = records.decode(made.value, made.headers).event
    assert event.event_id == changed("run").event_id


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("tradewind-publisher", b"airflow")],
        [("tradewind-publisher", b"airflow"), ("tradewind-cursor", b"")],
        [("tradewind-publisher", None), ("tradewind-cursor", b"c")],
        [("tradewind-publisher", b"\xff"), ("tradewind-cursor", b"c")],
    ],
)
def test_what_strangers_send_is_no_mark(headers: list[tuple[str, str | bytes | None]] | None) -> None:
    assert marks.read(headers, "airflow") is None


class Airflow:
    """The HTTP side of an API server."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "token"})
        assert request.url.path == "/tradewind/workflows/changes"
        assert request.headers["authorization"] == "Bearer token"
        self.asked.append(dict(request.url.params))
        return self._answer(request)

    def feed(self) -> ChangeFeed:
        connection = Connection(conn_id="a", host="http://airflow", login="ingest", password="secret")
        return ChangeFeed(connection, 7, httpx.MockTransport(self))


def page(*run_ids: str) -> Callable[[httpx.Request], httpx.Response]:
    answer = ChangePage(events=[changed(run_id) for run_id in run_ids], cursor="next")
    return lambda _: httpx.Response(200, text=answer.model_dump_json())


def test_a_page_is_asked_for_by_its_cursor() -> None:
    airflow = Airflow(page("a", "b"))
    feed = airflow.feed()
    assert feed.page("here").events == [changed("a"), changed("b")]
    assert airflow.asked == [{"cursor": "here", "wait": "7", "limit": "500"}]
    feed.close()


def test_an_instant_has_a_cursor() -> None:
    airflow = Airflow(page())
    assert airflow.feed().begin(datetime(2026, 1, 2, tzinfo=UTC)) == "next"
    assert airflow.asked[0]["since"] == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, CursorRefusedError),
        (422, CursorRefusedError),
        (403, LoginError),
        (404, UnreachableError),
        (500, UnreachableError),
        (503, UnreachableError),
        (200, UnreachableError),
    ],
)
def test_what_an_answer_means(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        Airflow(lambda _: httpx.Response(code, text="no")).feed().page("here")


class Impatient(threading.Event):
    """Loses no time."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # as the parent's
        return self.is_set()


class Failing(Worker):
    """A thread whose job fails as it is told; the last failure stops it."""

    def __init__(self, *errors: Exception) -> None:
        self.ended = threading.Event()
        self.error: BaseException | None = None
        super().__init__("test", self._on_ended)
        self._errors = list(errors)
        self._stop = Impatient()

    def _on_ended(self, error: BaseException | None) -> None:
        self.error = error
        self.ended.set()

    @contextmanager
    def _opened(self) -> Iterator[Job]:
        yield self

    def run(self, stop: threading.Event) -> None:
        if len(self._errors) == 1:
            stop.set()
        raise self._errors.pop(0)


def failed(*errors: Exception) -> Failing:
    worker = Failing(*errors)
    worker.start()
    assert worker.ended.wait(10)
    return worker


def test_a_failure_that_repeats_itself_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    worker = failed(*[LoginError("check the password")] * 5, *[KeyError("x")] * 3, LoginError("check the password"))
    assert worker.error is None
    told = [line for line in caplog.records if line.levelname == "ERROR"]
    assert ["check the password" in line.getMessage() for line in told] == [True, False, True]
    assert [line.exc_info is not None for line in told] == [False, True, False]


def test_what_cannot_work_as_configured_ends_the_thread() -> None:
    worker = failed(KeyError("x"), ConfigurationError("enable.auto.commit"), KeyError("never"))
    assert isinstance(worker.error, ConfigurationError)
