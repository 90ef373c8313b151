from datetime import timedelta

import pytest

from support.ledger_steps import RUNS, START, consumed, dead, event, new_index, run_of, status, trigger
from tradewind_api import ledger_records
from tradewind_contracts.events import WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_service.received_records import ReceivedRecord


def test_a_trigger_is_known_with_its_payloads_fingerprint() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3, isin="X"))
    run = run_of(index)
    assert (run.workflow_id, run.workflow_type) == ("recon", WorkflowType.AIRFLOW)
    assert run.trigger is not None
    assert (run.trigger.first_offset, run.trigger.last_offset) == (3, 3)
    assert run.trigger.created_at == START + timedelta(seconds=3)
    assert run.last_known("run-a").status is RunStatus.TRIGGERED


def test_of_two_triggers_the_first_payload_stands() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3, isin="X"))
    first = run_of(index).trigger
    ledger_records.feed_event(index, trigger("run-a", 7, isin="Y"))
    again = run_of(index).trigger
    assert first is not None
    assert again is not None
    assert (again.fingerprint, again.last_offset) == (first.fingerprint, 7)


def test_what_is_fed_twice_changes_nothing() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3))
    before = run_of(index)
    assert index.has_trigger_at("run-a", 3)
    ledger_records.feed_event(index, trigger("run-a", 3))
    assert run_of(index) is before


def test_commands_and_strangers_are_no_triggers() -> None:
    index = new_index()
    ledger_records.feed_event(index, consumed(event("cancel_requested", "run-a", {}), 1))
    ledger_records.feed_event(index, ReceivedRecord("t", 0, 2, b"\xff", b"not json"))
    ledger_records.feed_event(index, ReceivedRecord("t", 0, 3, None, None))
    ledger_records.feed_status(index, trigger("run-a", 4))
    ledger_records.feed_status(index, ReceivedRecord("t", 0, 5, None, b"{}", [("ce_type", None)]))
    assert len(index) == 0


def test_the_latest_status_is_known() -> None:
    index = new_index()
    ledger_records.feed_status(index, status("run-a", "running", 2, progress=0.5))
    ledger_records.feed_status(index, status("run-a", "queued", 1))
    ledger_records.feed_status(index, status("run-a", "succeeded", 3, progress=1, result={"breaks": 2}))
    known = run_of(index).last_known("run-a")
    assert (known.status, known.progress, known.result) == (RunStatus.SUCCEEDED, 1, {"breaks": 2})


def test_a_run_that_is_done_again_is_known_by_its_latest_state() -> None:
    index = new_index()
    # As the lifecycle tells of a cleared DAG run, and repeats itself after a restart.
    told = [status("run-a", word, seconds) for seconds, word in enumerate(["queued", "running", "failed", "queued"])]
    for record in (*told, *told[:3]):
        ledger_records.feed_status(index, record)
    assert run_of(index).last_known("run-a").status is RunStatus.QUEUED


@pytest.mark.parametrize("run_id", ["scheduled__2026-11-20T00:00:00+00:00", "backfill__2026-11-20"])
def test_an_id_that_several_dags_have_tells_of_no_run(run_id: str) -> None:
    index = new_index()
    ledger_records.feed_status(index, status(run_id, "succeeded"))
    assert len(index) == 0


def test_a_dead_lettered_trigger_is_rejected() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3))
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 3)))
    known = run_of(index).last_known("run-a")
    assert (known.status, known.error) == (RunStatus.REJECTED, "invalid-parameters: isin is missing")


def test_a_dead_letter_alone_tells_of_its_run() -> None:
    index = new_index()
    letter = dead(trigger("run-a", 3), workflow_id="recon", workflow_type="airflow")
    ledger_records.feed_dead_letter(index, letter)
    ledger_records.feed_dead_letter(index, dead(trigger("run-b", 4), workflow_type="cron"))
    assert run_of(index).rejected
    assert run_of(index).workflow_type is WorkflowType.AIRFLOW
    assert run_of(index, "run-b").workflow_type is None


@pytest.mark.parametrize("workflow_id", ["no such name", "für_heute", "x" * 300])
def test_a_workflow_id_that_is_none_does_not_cost_the_rejection(workflow_id: str) -> None:
    index = new_index()
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 3), workflow_id=workflow_id))
    known = run_of(index).last_known("run-a")
    assert (known.status, known.workflow_id) == (RunStatus.REJECTED, None)


def test_a_replay_of_a_dead_letter_asks_anew() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3))
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 3)))
    ledger_records.feed_event(index, trigger("run-a", 9))
    assert not run_of(index).rejected
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 9)))
    assert run_of(index).rejected


@pytest.mark.parametrize("reason", sorted(ledger_records.CONFLICTS))
def test_a_conflict_says_that_the_run_exists(reason: str) -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3))
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 4), reason=reason))
    assert not run_of(index).rejected


def test_a_dead_lettered_command_says_nothing_of_its_run() -> None:
    index = new_index()
    ledger_records.feed_event(index, trigger("run-a", 3))
    ledger_records.feed_dead_letter(index, dead(consumed(event("cancel_requested", "run-a", {}), 4)))
    assert not run_of(index).rejected


@pytest.mark.parametrize(
    ("value", "rejected"),
    [
        (b'{"event_type": "workflow.triggered", "workflow_id": "no such name"}', True),
        (b'{"type": "workflow.triggered", "data": {"workflow_id": 1}}', True),
        (b'{"event_type": "workflow.cancel_requested"}', False),
        (b'{"event_type": 1}', False),
        (b'{"data": 1}', False),
        (b"[]", False),
        (b"not json", False),
        (None, False),
    ],
)
def test_a_trigger_too_broken_to_decode_is_rejected_all_the_same(value: bytes | None, rejected: bool) -> None:
    index = new_index()
    letter = dead(ReceivedRecord("t", 0, 3, b"run-a", value), reason="invalid-event")
    ledger_records.feed_dead_letter(index, letter)
    assert (index.get("run-a") is not None) is rejected


def test_a_letter_without_run_or_without_our_header_is_passed_over() -> None:
    index = new_index()
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 3), workflow_run_id=None))
    ledger_records.feed_dead_letter(index, trigger("run-a", 3))
    assert len(index) == 0


def test_a_rejection_from_another_topic_does_not_outrank_a_trigger() -> None:
    index = new_index()
    ledger_records.feed_dead_letter(index, dead(trigger("run-a", 900), topic="settlements"))
    assert run_of(index).rejected
    ledger_records.feed_event(index, trigger("run-a", 3))
    assert not run_of(index).rejected


def test_what_was_heard_of_longest_ago_is_forgotten_first() -> None:
    index = new_index(max_runs=2)
    for offset, run_id in enumerate(["run-a", "run-b", "run-a", "run-c"]):
        ledger_records.feed_event(index, trigger(run_id, offset))
    assert [index.get(run_id) is not None for run_id in RUNS] == [True, False, True]


def test_an_old_run_that_is_read_late_evicts_no_newer_one() -> None:
    index = new_index(max_runs=2)
    for offset, run_id in [(8, "run-b"), (9, "run-c"), (1, "run-a")]:
        ledger_records.feed_event(index, trigger(run_id, offset))
    assert [index.get(run_id) is not None for run_id in RUNS] == [False, True, True]


def test_a_clock_that_is_ahead_keeps_no_run_for_ever() -> None:
    index, future = new_index(max_runs=2), 100 * 365 * 24 * 3600
    ledger_records.feed_status(index, status("run-a", "running", future))
    for run_id in ("run-b", "run-c"):
        event = WorkflowTriggered(
            source="test", workflow_id="recon", workflow_type=WorkflowType.AIRFLOW, workflow_run_id=run_id
        )
        index.triggered(event, 0)
    assert [index.get(run_id) is not None for run_id in RUNS] == [False, True, True]


def test_updates_of_few_runs_take_no_memory() -> None:
    index = new_index()
    for seconds in range(100):
        ledger_records.feed_status(index, status("run-a", "running", seconds))
    assert len(index._by_age) == 1


def test_large_statuses_are_forgotten_before_memory_is() -> None:
    index = new_index(max_bytes=2500)
    for seconds, run_id in enumerate(RUNS):
        ledger_records.feed_status(index, status(run_id, "succeeded", seconds, result="x" * 900))
    assert [index.get(run_id) is not None for run_id in RUNS] == [False, True, True]
    ledger_records.feed_status(index, status("run-c", "succeeded", 9, result="x" * 5000))
    assert len(index) == 1
