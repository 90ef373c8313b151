"""One batch of triggers in one transaction: what is known is read once, then each item gets its answer."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from airflow.utils.state import DagRunState
from sqlalchemy.orm import Session

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog, DagKey
from tradewind_airflow.runs.create import create_runs, existing_runs, outcomes
from tradewind_airflow.runs.create.existing_runs import ExistingRun
from tradewind_airflow.runs.create.outcomes import ItemOutcome
from tradewind_airflow.runs.create.run_requests import Creation, Refused, RunRequest
from tradewind_airflow.runs.envelope import conf_of
from tradewind_contracts.batches import BatchItem


class Batch:
    """Settles `items`, each of which has its run id. The session's owner commits."""

    def __init__(self, session: Session, workflows: Catalog, caller: Caller, items: Sequence[BatchItem]) -> None:
        self._session = session
        self._catalog = workflows
        self._caller = caller
        self._items = items
        self._workflows = workflows.find(session, {item.workflow_id for item in items})
        self._known = self._look_up(item.workflow_run_id for item in items)

    def settle(self) -> list[ItemOutcome]:
        """Return the items' answers, in order. Raises `TransactionLostError`."""
        first = [self._outcome_or_request(item) for item in self._items]
        requests = _by_id(request for request in first if isinstance(request, RunRequest))
        made = create_runs.create_runs(self._session, _by_priority(requests.values()), self._caller.name)
        taken = self._look_up(run_id for run_id, result in made.items() if result is Creation.TAKEN)
        self._known |= taken
        return [given if isinstance(given, ItemOutcome) else self._made(given, requests, made) for given in first]

    def _look_up(self, run_ids: Iterable[str | None]) -> dict[str, list[ExistingRun]]:
        wanted = {run_id for run_id in run_ids if run_id}
        return existing_runs.by_run_id(self._session, wanted) if wanted else {}

    def _outcome_or_request(self, item: BatchItem) -> ItemOutcome | RunRequest:
        barred = outcomes.barred(item, may_trigger=self._caller.may_trigger(item.workflow_id))
        if barred:
            return barred
        workflow = self._workflows.get(item.workflow_id)
        # A run that exists is told of, whatever became of its DAG since.
        if runs := self._known.get(item.workflow_run_id or ""):
            return outcomes.compared(item, runs, workflow)
        if refused := outcomes.refused(item, workflow):
            return refused
        assert workflow is not None  # noqa: S101  # else it was refused
        assert workflow.key is not None  # noqa: S101  # else it was refused
        return self._request(item, workflow.key)

    def _request(self, item: BatchItem, key: DagKey) -> ItemOutcome | RunRequest:
        try:
            errors = self._catalog.parameters(self._session, key).errors(item.parameters)
            dag = self._catalog.dag(self._session, key)
            template = self._catalog.template(self._session, key)
        except LookupError as error:
            return outcomes.unavailable(item, str(error))
        return outcomes.bad_parameters(item, errors) if errors else RunRequest(dag, key, template, item, conf_of(item))

    def _made(
        self, request: RunRequest, requests: dict[str, RunRequest], made: dict[str, Creation | Refused]
    ) -> ItemOutcome:
        workflow = self._workflows[request.dag.dag_id]
        result = made[request.run_id]
        if result is Creation.CREATED and requests[request.run_id] is request:
            return outcomes.created(_new_run(request), workflow)
        if result is Creation.CREATED:
            # The id stands twice in this batch: its first item made the run.
            return outcomes.compared(request.item, [_new_run(requests[request.run_id])], workflow)
        if isinstance(result, Refused):
            return outcomes.refused_by_airflow(request.item, result.reason)
        runs = self._known.get(request.run_id)
        if runs:
            return outcomes.compared(request.item, runs, workflow)
        return outcomes.unavailable(request.item, f"the DAG {request.dag.dag_id!r} changed just now")


def _by_id(requests: Iterable[RunRequest]) -> dict[str, RunRequest]:
    first: dict[str, RunRequest] = {}
    for request in requests:
        first.setdefault(request.run_id, request)
    return first


def _by_priority(requests: Iterable[RunRequest]) -> list[RunRequest]:
    """Highest first, else as given: the scheduler takes the run first that was made first."""
    return sorted(requests, key=lambda request: -request.item.priority)


def _new_run(request: RunRequest) -> ExistingRun:
    item, now = request.item, datetime.now(UTC)
    return ExistingRun(item.workflow_id, request.run_id, DagRunState.QUEUED, item.parameters, item.priority, now)
