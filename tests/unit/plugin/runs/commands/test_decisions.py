"""What a command does to a run, as far as it is decided without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from airflow.utils.state import State, TaskInstanceState
from hypothesis import given
from hypothesis import strategies as some

from tradewind_airflow.runs.commands import cancel_plan, priority, retry
from tradewind_airflow.runs.commands.cancel_plan import EXECUTING, Plan, Task
from tradewind_airflow.runs.commands.retry import Ended
from tradewind_airflow.runs.envelope import Cancellation, Retry, RunEnvelope
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.commands import RetryScope
from tradewind_contracts.events import CancelMode
from tradewind_contracts.problems import ProblemType

GRACEFUL, FORCE = CancelMode.GRACEFUL, CancelMode.FORCE
STATES = some.sampled_from([None, *TaskInstanceState])
TASKS = some.lists(some.builds(Task, some.uuids(), STATES.map(lambda one: one and one.value), some.booleans()))


def task(state: str | None, *, resumes: bool = False, is_teardown: bool = False) -> Task:
    return Task(uuid4(), state, resumes, is_teardown)


def cancelled(mode: CancelMode, *, effective: bool) -> Cancellation:
    return Cancellation(mode=mode, by="ann", at=datetime.now(UTC), clear_number=0, effective=effective)


@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("state", [None, "scheduled", "queued"])
def test_what_never_ran_never_will(mode: CancelMode, state: str | None) -> None:
    waiting = task(state)
    assert cancel_plan.plan(mode, [waiting], "queued") == Plan((waiting.id,), (), ends_run=True)


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_what_runs_may_end_unless_it_is_forced(state: str) -> None:
    runs, waits = task(state), task(None)
    assert cancel_plan.plan(GRACEFUL, [runs, waits], "running") == Plan((waits.id,), (), ends_run=False)
    assert cancel_plan.plan(FORCE, [runs, waits], "running") == Plan((waits.id,), (runs.id,), ends_run=True)


@pytest.mark.parametrize("state", ["scheduled", "queued"])
def test_a_deferred_task_that_goes_on_is_one_that_runs(state: str) -> None:
    resumes = task(state, resumes=True)
    assert cancel_plan.plan(GRACEFUL, [resumes], "running").is_empty
    assert cancel_plan.plan(FORCE, [resumes], "running").failed == (resumes.id,)


@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("state", ["up_for_retry", "up_for_reschedule", "awaiting_input", "restarting"])
def test_what_begun_and_waits_has_failed(mode: CancelMode, state: str) -> None:
    waits = task(state, resumes=state == "awaiting_input")
    assert cancel_plan.plan(mode, [waits], "running") == Plan((), (waits.id,), ends_run=True)


@pytest.mark.parametrize("mode", CancelMode)
def test_a_teardown_is_left_to_the_scheduler_once_something_has_begun(mode: CancelMode) -> None:
    teardown, work = task(None, is_teardown=True), task(None)
    begun = [task("success"), work, teardown]
    assert cancel_plan.plan(mode, begun, "running") == Plan((work.id,), (), ends_run=False)
    fresh = cancel_plan.plan(mode, [work, teardown], "queued")
    assert (set(fresh.upstream_failed), fresh.ends_run) == ({work.id, teardown.id}, True)


@pytest.mark.parametrize("mode", CancelMode)
def test_a_teardown_that_runs_may_end(mode: CancelMode) -> None:
    assert cancel_plan.plan(mode, [task("success"), task("running", is_teardown=True)], "running").is_empty


@pytest.mark.parametrize("mode", CancelMode)
def test_a_run_that_has_done_all_is_the_schedulers_to_end(mode: CancelMode) -> None:
    assert cancel_plan.plan(mode, [task("success"), task("skipped")], "running").is_empty


def test_a_queued_run_without_tasks_ends() -> None:
    assert cancel_plan.plan(GRACEFUL, [], "queued").ends_run


@given(TASKS, some.sampled_from(CancelMode))
def test_no_finished_task_is_touched_and_each_other_one_once(tasks: Sequence[Task], mode: CancelMode) -> None:
    plan = cancel_plan.plan(mode, tasks, "running")
    touched: list[UUID] = [*plan.upstream_failed, *plan.failed]
    assert len(touched) == len(set(touched))
    finished = {one.id for one in tasks if one.state in State.finished}
    assert not finished & set(touched)


@given(TASKS)
def test_a_graceful_cancel_never_ends_what_runs_and_a_forced_one_leaves_nothing(tasks: Sequence[Task]) -> None:
    running = {one.id for one in tasks if one.state in EXECUTING}
    graceful, forced = (cancel_plan.plan(mode, tasks, "running") for mode in (GRACEFUL, FORCE))
    assert not running & {*graceful.upstream_failed, *graceful.failed}
    unfinished = {one.id for one in tasks if one.state not in State.finished}
    assert unfinished == {*forced.upstream_failed, *forced.failed}
    assert forced.ends_run == bool(unfinished)


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (cancelled(GRACEFUL, effective=True), GRACEFUL),
        (cancelled(GRACEFUL, effective=True), FORCE),
        (cancelled(FORCE, effective=False), GRACEFUL),
        (cancelled(GRACEFUL, effective=False), GRACEFUL),
    ],
)
def test_a_cancel_that_was_taken_may_be_repeated_after_the_end(known: Cancellation, wanted: CancelMode) -> None:
    assert cancel_plan.is_done(wanted, known, "failed")


@pytest.mark.parametrize("known", [None, cancelled(GRACEFUL, effective=False)])
@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_ended_by_itself_cannot_be_cancelled(known: Cancellation | None, state: str) -> None:
    with pytest.raises(RefusedError, match=rf"has ended already \({state}\)") as caught:
        cancel_plan.is_done(FORCE, known, state)
    assert caught.value.kind is ProblemType.STATE_CONFLICT


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_goes_on_is_looked_at_each_time(state: str) -> None:
    assert not cancel_plan.is_done(GRACEFUL, cancelled(FORCE, effective=True), state)


def test_failed_tasks_are_done_again_and_what_waited_for_them() -> None:
    tasks = [
        Ended("first", -1, "success"),
        Ended("broken", 0, "failed"),
        Ended("broken", 1, "success"),
        Ended("after", -1, "upstream_failed"),
        Ended("skipped_after", -1, "skipped"),
        Ended("skipped_elsewhere", -1, "skipped"),
    ]
    below = {"broken": {"after", "skipped_after"}, "after": {"skipped_after"}}
    chosen = retry.to_do_again(tasks, lambda task_id: below.get(task_id, set()), "failed")
    assert chosen == [("broken", 0), ("after", -1), ("skipped_after", -1)]


def test_a_run_that_was_marked_as_failed_goes_on_with_what_was_skipped() -> None:
    tasks = [Ended("first", -1, "success"), Ended("second", -1, "skipped")]
    assert retry.to_do_again(tasks, lambda _: (), "failed") == [("second", -1)]
    assert retry.to_do_again(tasks, lambda _: (), "success") == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_has_not_ended_cannot_be_retried(state: str) -> None:
    with pytest.raises(RefusedError, match=rf"has not ended \({state}\)"):
        retry.check(state)


def test_a_key_stands_for_one_retry() -> None:
    known = [Retry(id="k", scope=RetryScope.FAILED)]
    assert retry.is_repeat(known, "k", RetryScope.FAILED)
    assert not retry.is_repeat(known, "other", RetryScope.FAILED)
    assert not retry.is_repeat(known, None, RetryScope.FAILED)
    with pytest.raises(RefusedError) as caught:
        retry.is_repeat(known, "k", RetryScope.ALL)
    assert caught.value.kind is ProblemType.IDEMPOTENCY_CONFLICT


def test_only_a_run_that_waits_gets_another_priority() -> None:
    assert priority.is_done(5, 5, "running")
    assert not priority.is_done(5, 4, "queued")
    for state in ("running", "success", "failed"):
        with pytest.raises(RefusedError, match="no longer waiting"):
            priority.is_done(5, 4, state)


def test_the_trigger_is_known_by_the_priority_it_asked_for() -> None:
    assert priority.asked(RunEnvelope(priority=3)) == 3
    assert priority.asked(RunEnvelope(priority=9, asked_priority=3)) == 3
    assert priority.asked(RunEnvelope(priority=9, asked_priority=0)) == 0
