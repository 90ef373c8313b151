from datetime import UTC, datetime

import pytest

from tradewind_airflow.runs.envelope import (
    RESERVED_KEY,
    Cancellation,
    Retry,
    RunEnvelope,
    asked_priority_of,
    conf_of,
    envelope_of,
    parameters_of,
    priority_of,
    with_envelope,
)
from tradewind_contracts.batches import BatchItem, EventOrigin
from tradewind_contracts.commands import RetryScope
from tradewind_contracts.events import CancelMode
from tradewind_contracts.workflows import WorkflowType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def item(origin: EventOrigin | None = None) -> BatchItem:
    return BatchItem(
        workflow_id="w", workflow_type=WorkflowType.AIRFLOW, parameters={"a": [1]}, priority=7, origin=origin
    )


def cancellation(clear_number: int = 0, *, effective: bool = True) -> Cancellation:
    return Cancellation(mode=CancelMode.GRACEFUL, by="ann", at=NOW, clear_number=clear_number, effective=effective)


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


@pytest.mark.parametrize("foreign", [11, -1, "9", 2.5, None, True])
def test_a_priority_that_somebody_else_wrote_is_bounded(foreign: object) -> None:
    assert priority_of({RESERVED_KEY: {"priority": foreign}}) == 0


def test_the_asked_priority_outlives_a_change() -> None:
    assert asked_priority_of(conf_of(item())) == 7
    changed = with_envelope(conf_of(item()), RunEnvelope(priority=9, asked_priority=7))
    assert (priority_of(changed), asked_priority_of(changed)) == (9, 7)
    lowest = with_envelope({}, RunEnvelope(priority=9, asked_priority=0))
    assert asked_priority_of(lowest) == 0


def test_an_envelope_survives_the_database() -> None:
    known = RunEnvelope(priority=3, cancel=cancellation(), retries=[Retry(id="x", scope=RetryScope.ALL)])
    conf = with_envelope({"a": 1}, known)
    assert envelope_of(conf) == known
    assert parameters_of(conf) == {"a": 1}


def test_a_foreign_envelope_is_an_empty_one() -> None:
    assert envelope_of({RESERVED_KEY: {"cancel": "yes"}}) == envelope_of(None) == envelope_of({}) == RunEnvelope()
