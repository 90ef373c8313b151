"""What a cancel does to a run. Pure functions over its locked rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from airflow.utils.state import DagRunState, State, TaskInstanceState

from tradewind_airflow.runs.envelope import Cancellation
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.events import CancelMode
from tradewind_contracts.problems import ProblemType

EXECUTING = frozenset({TaskInstanceState.RUNNING, TaskInstanceState.DEFERRED})
"""Something runs for the task: a process of its own, or a trigger."""

BETWEEN = frozenset(
    {
        TaskInstanceState.UP_FOR_RETRY,
        TaskInstanceState.UP_FOR_RESCHEDULE,
        TaskInstanceState.AWAITING_INPUT,
        TaskInstanceState.RESTARTING,
    }
)
"""The task has begun, and nothing runs for it until it is started again."""

BEGUN = EXECUTING | BETWEEN | {TaskInstanceState.SUCCESS, TaskInstanceState.FAILED}


@dataclass(frozen=True)
class Task:
    """A task instance. `resumes`: it was deferred, and waits for a worker to continue it."""

    id: UUID
    state: str | None
    resumes: bool = False
    is_teardown: bool = False

    @property
    def executes(self) -> bool:
        """Whether it may end by itself, if it is left to."""
        return self.state in EXECUTING or (self.resumes and self.state not in BETWEEN)

    @property
    def has_begun(self) -> bool:
        """Whether a try of it was started, and is not over."""
        return self.executes or self.state in BETWEEN


@dataclass(frozen=True)
class Plan:
    """The task instances that get another state. `ends_run`: nothing is left that could run."""

    upstream_failed: tuple[UUID, ...]
    failed: tuple[UUID, ...]
    ends_run: bool

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.upstream_failed or self.failed or self.ends_run)


def plan(mode: CancelMode, tasks: Sequence[Task], run_state: str) -> Plan:
    """Return what a cancel changes in a run that has not ended.

    Teardowns are left to the scheduler, as Airflow leaves them, once anything has begun that they may have to tidy up.
    """
    spares_teardowns = any(task.state in BEGUN for task in tasks)
    unfinished = [task for task in tasks if task.state not in State.finished]
    stopped = [task for task in unfinished if not _is_spared(task, mode, spares_teardowns=spares_teardowns)]
    return Plan(
        upstream_failed=tuple(task.id for task in stopped if not task.has_begun),
        failed=tuple(task.id for task in stopped if task.has_begun),
        # A running run that has nothing left to do is ended by the scheduler: by its own rules, as it was not hindered.
        ends_run=len(stopped) == len(unfinished) and (bool(stopped) or run_state == DagRunState.QUEUED),
    )


def _is_spared(task: Task, mode: CancelMode, *, spares_teardowns: bool) -> bool:
    if task.is_teardown and spares_teardowns:
        return True
    return mode is CancelMode.GRACEFUL and task.executes


def is_done(mode: CancelMode, known: Cancellation | None, run_state: str) -> bool:
    """Whether nothing is left to do; raise `RefusedError` if the run ended before it was cancelled.

    `known` is the cancel that this go of the run has had.
    """
    if run_state not in State.finished_dr_states:
        return False
    if known and (known.effective or covers(known, mode)):
        return True
    detail = f"the run has ended already ({run_state}): nothing is left to cancel; a retry would run it again"
    raise RefusedError(ProblemType.STATE_CONFLICT, detail)


def covers(known: Cancellation, mode: CancelMode) -> bool:
    """Whether a cancel has asked for as much as this one does."""
    return known.mode in {mode, CancelMode.FORCE}
