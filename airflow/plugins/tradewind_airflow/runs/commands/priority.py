"""Another priority for a queued run: its place among the queued runs, and its tasks' weights."""

from airflow.models.dagrun import DagRun
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.commands.locked_run import locked_run
from tradewind_airflow.runs.envelope import RunEnvelope
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.priority_weights import set_weights
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.problems import ProblemType


def set_priority(address: RunAddress, wanted: int) -> None:
    """Give a run another priority; return when that is committed. Raises `RefusedError`."""
    with locked_run(address) as target:
        envelope = target.envelope
        if is_done(wanted, envelope.priority, target.run.state):
            return
        target.keep(priority=wanted, asked_priority=asked(envelope))
        _move(target.run, wanted)
        dag = target.dag()
        if dag is not None:
            set_weights(target.session, dag, target.run.run_id, wanted)
        target.audit("priority", priority=wanted, before=envelope.priority)


def is_done(wanted: int, present: int, run_state: str) -> bool:
    """Whether the run has this priority already; raise `RefusedError` if it cannot get another one."""
    if wanted == present:
        return True
    if run_state == DagRunState.QUEUED:
        return False
    detail = f"the run is no longer waiting ({run_state}): a priority is for runs that have not begun"
    raise RefusedError(ProblemType.STATE_CONFLICT, detail)


def asked(envelope: RunEnvelope) -> int:
    """Return the priority of the original request, by which a repeated one is recognized."""
    return envelope.priority if envelope.asked_priority is None else envelope.asked_priority


def _move(run: DagRun, priority: int) -> None:
    # The time of a scheduled run, or of one for later, is left as it is.
    if run.run_type == DagRunType.MANUAL and run.created_at and run.run_after <= run.created_at:
        run.run_after = priorities.run_after(run.created_at, priority)
