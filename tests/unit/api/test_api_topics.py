"""The job that makes the topics: its settings, its exit codes, and what it says of a broker that is not there."""

import json
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from tradewind_api import topics

NOBODY = {"bootstrap.servers": "127.0.0.1:9"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The configurations with which topics were made."""
    calls: list[dict[str, str]] = []
    monkeypatch.setattr(topics, "create_topics", calls.append)
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CLIENT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return calls


def test_it_needs_to_know_the_broker_alone(
    made: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    assert topics.main() == 0
    assert made == [{"bootstrap.servers": "kafka:19092"}]
    assert capsys.readouterr().out == "the topics are there: workflow-events, workflow-status, workflow-events.dlq\n"


def test_it_gets_into_a_guarded_broker(made: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", json.dumps({"sasl.password": "p"}))
    assert topics.main() == 0
    assert made == [{"bootstrap.servers": "kafka:19092", "sasl.password": "p"}]


def test_a_files_value_serves_too(tmp_path: Path, made: list[dict[str, str]]) -> None:
    (tmp_path / "kafka_client_config").write_text('{"sasl.password": "p"}\n')
    (tmp_path / "kafka_bootstrap_servers").write_text("kafka:19092\n")
    config = topics.TopicSettings(_secrets_dir=tmp_path).kafka_client()
    assert config == {"bootstrap.servers": "kafka:19092", "sasl.password": "p"}
    assert made == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "", "KAFKA_BOOTSTRAP_SERVERS: String should have at least 1 character"),
        ("KAFKA_CLIENT_CONFIG", '{"group.id": "the-secret"}', "KAFKA_CLIENT_CONFIG: Value error, only connection"),
        ("KAFKA_CLIENT_CONFIG", '{"the-secret', 'error parsing value for field "kafka_client_config"'),
    ],
)
def test_wrong_settings_are_a_line_and_a_2(
    made: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    monkeypatch.setenv(name, value)
    assert topics.main() == 2
    text = capsys.readouterr().err
    assert text.startswith(f"error: {said}")
    assert text.count("\n") == 1
    assert "the-secret" not in text
    assert made == []


def test_topics_that_could_not_be_made_are_a_line_and_a_1(
    made: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> None:
        raise topics.TopicsError("no broker")

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    monkeypatch.setattr(topics, "create_topics", refuse)
    assert topics.main() == 1
    assert capsys.readouterr().err == "error: no broker\n"
    assert made == []


def test_a_broker_that_does_not_come_is_waited_for_and_named() -> None:
    with pytest.raises(topics.TopicsError, match=r"on 127\.0\.0\.1:9 within 1 s: .*Connection refused"):
        topics.create_topics(NOBODY, timeout=1)


@pytest.mark.parametrize(
    ("code", "there"),
    [(None, True), (KafkaError.TOPIC_ALREADY_EXISTS, True), (KafkaError.REQUEST_TIMED_OUT, False)],
)
def test_what_another_made_is_made(code: int | None, there: bool) -> None:
    assert topics._created(None if code is None else KafkaException(KafkaError(code, retriable=not there))) is there


def test_what_kafka_refuses_for_good_is_told_at_once() -> None:
    with pytest.raises(topics.TopicsError, match="refused to create a topic"):
        topics._created(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))


def test_an_error_that_is_not_kafkas_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        topics._created(ZeroDivisionError())
