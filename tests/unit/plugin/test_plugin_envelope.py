from datetime import UTC, datetime

from tradewind_airflow.runs.envelope import RESERVED_KEY, RunEnvelope, conf_of, parameters_of, priority_of
from tradewind_contracts.batches import BatchItem, EventOrigin
from tradewind_contracts.workflows import WorkflowType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def item(origin: EventOrigin | None = None) -> BatchItem:
    return BatchItem(
        workflow_id="w", workflow_type=WorkflowType.AIRFLOW, parameters={"a": [1]}, priority=7, origin=origin
    )


def test_a_run_knows_its_event() -> None:
    conf = conf_of(item(EventOrigin(event_id="e1", source="/desk", timestamp=NOW)))
    assert conf == {
        "a": [1],
        "_tradewind": {"priority": 7, "event_id": "e1", "source": "/desk", "timestamp": "2026-11-23T12:00:00Z"},
    }
    assert RunEnvelope.model_validate(conf[RESERVED_KEY]).timestamp == NOW


def test_a_run_without_an_event_has_its_priority() -> None:
    assert conf_of(item()) == {"a": [1], "_tradewind": {"priority": 7}}


def test_the_parameters_come_back_out() -> None:
    assert parameters_of(conf_of(item())) == {"a": [1]}
    assert parameters_of(None) == {}


def test_the_priority_comes_back_out() -> None:
    assert priority_of(conf_of(item())) == 7
    others: list[dict[str, object] | None] = [None, {"a": 1}, {RESERVED_KEY: "7"}, {RESERVED_KEY: {}}]
    assert [priority_of(conf) for conf in others] == [0, 0, 0, 0]
