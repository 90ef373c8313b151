"""One batch of triggers in one transaction: what is known is read once, then each item gets its outcome."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from airflow.utils.state import DagRunState
from sqlalchemy.orm import Session

from tradewind_airflow.runs import dags
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.create import existing_runs, outcomes
from tradewind_airflow.runs.create.create_runs import create_runs
from tradewind_airflow.runs.create.existing_runs import ExistingRun
from tradewind_airflow.runs.create.outcomes import ItemOutcome
from tradewind_airflow.runs.create.run_requests import BulkWriter, Creation, Refused, RunRequest
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.dags import DagKey
from tradewind_airflow.runs.envelope import conf_of
from tradewind_contracts.batches import BatchItem


class Batch:
    """Processes `items`, each of which has its run id. The session's owner commits."""

    def __init__(self, session: Session, dag_cache: DagCache, caller: Caller, items: Sequence[BatchItem]) -> None:
        self._session = session
        self._dag_cache = dag_cache
        self._caller = caller
        self._items = items
        self._dags = dags.find(session, {item.workflow_id for item in items})
        self._known = self._look_up(item.workflow_run_id for item in items)

    def process(self, bulk: BulkWriter | None) -> list[ItemOutcome]:
        """Return the items' outcomes, in order. Raises `TransactionLostError`."""
        first = [self._outcome_or_request(item) for item in self._items]
        requests = _by_id(one for one in first if isinstance(one, RunRequest))
        made = create_runs(self._session, _by_priority(requests.values()), self._caller.name, bulk)
        self._known |= self._look_up(run_id for run_id, result in made.items() if result is Creation.TAKEN)
        return [one if isinstance(one, ItemOutcome) else self._outcome(one, requests, made) for one in first]

    def _look_up(self, run_ids: Iterable[str | None]) -> dict[str, list[ExistingRun]]:
        wanted = {run_id for run_id in run_ids if run_id}
        return existing_runs.by_run_id(self._session, wanted) if wanted else {}

    def _outcome_or_request(self, item: BatchItem) -> ItemOutcome | RunRequest:
        barred = outcomes.barred(item, may_trigger=self._caller.may_trigger(item.workflow_id))
        if barred:
            return barred
        dag = self._dags.get(item.workflow_id)
        # An existing run is reported even if its DAG has changed or gone.
        if runs := self._known.get(item.workflow_run_id or ""):
            return outcomes.compared(item, runs, dag)
        if refused := outcomes.refused(item, dag):
            return refused
        assert dag is not None  # noqa: S101  # else it was refused
        assert dag.key is not None  # noqa: S101  # else it was refused
        return self._request(item, dag.key)

    def _request(self, item: BatchItem, key: DagKey) -> ItemOutcome | RunRequest:
        try:
            errors = self._dag_cache.parameters(self._session, key).errors(item.parameters)
            dag = self._dag_cache.dag(self._session, key)
        except LookupError as error:
            return outcomes.unavailable(item, str(error))
        return outcomes.bad_parameters(item, errors) if errors else RunRequest(dag, key, item, conf_of(item))

    def _outcome(
        self, request: RunRequest, requests: dict[str, RunRequest], made: dict[str, Creation | Refused]
    ) -> ItemOutcome:
        dag, result = self._dags[request.dag.dag_id], made[request.run_id]
        if result is Creation.CREATED and requests[request.run_id] is request:
            return outcomes.created(_new_run(request), dag)
        if result is Creation.CREATED:
            # The id occurs twice in this batch: the run is its first item's.
            return outcomes.compared(request.item, [_new_run(requests[request.run_id])], dag)
        if isinstance(result, Refused):
            return outcomes.refused_by_airflow(request.item, result.reason)
        if runs := self._known.get(request.run_id):
            return outcomes.compared(request.item, runs, dag)
        return outcomes.unavailable(request.item, f"the DAG {dag.dag_id!r} changed just now")


def _by_id(requests: Iterable[RunRequest]) -> dict[str, RunRequest]:
    first: dict[str, RunRequest] = {}
    for request in requests:
        first.setdefault(request.run_id, request)
    return first


def _by_priority(requests: Iterable[RunRequest]) -> list[RunRequest]:
    """Highest first, else as given: the scheduler starts the run first that was created first."""
    return sorted(requests, key=lambda request: -request.item.priority)


def _new_run(request: RunRequest) -> ExistingRun:
    item, now = request.item, datetime.now(UTC)
    return ExistingRun(item.workflow_id, request.run_id, DagRunState.QUEUED, item.parameters, item.priority, now)
