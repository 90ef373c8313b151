"""One batch of triggers in one transaction: what is known is read once, then each item gets its answer."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from airflow.utils.state import DagRunState
from sqlalchemy.orm import Session

from tradewind_airflow.runs import answers, creation, existing
from tradewind_airflow.runs.answers import Answer
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog, DagKey
from tradewind_airflow.runs.envelope import conf_of
from tradewind_airflow.runs.existing import ExistingRun
from tradewind_airflow.runs.orders import Creation, Refused, RunOrder
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

    def settle(self) -> list[Answer]:
        """Return the items' answers, in order. Raises `TransactionLostError`."""
        first = [self._answer_or_order(item) for item in self._items]
        orders = _by_id(order for order in first if isinstance(order, RunOrder))
        made = creation.create_runs(self._session, _by_priority(orders.values()), self._caller.name)
        taken = self._look_up(run_id for run_id, result in made.items() if result is Creation.TAKEN)
        self._known |= taken
        return [given if isinstance(given, Answer) else self._made(given, orders, made) for given in first]

    def _look_up(self, run_ids: Iterable[str | None]) -> dict[str, list[ExistingRun]]:
        wanted = {run_id for run_id in run_ids if run_id}
        return existing.by_run_id(self._session, wanted) if wanted else {}

    def _answer_or_order(self, item: BatchItem) -> Answer | RunOrder:
        barred = answers.barred(item, may_trigger=self._caller.may_trigger(item.workflow_id))
        if barred:
            return barred
        workflow = self._workflows.get(item.workflow_id)
        # A run that exists is told of, whatever became of its DAG since.
        if runs := self._known.get(item.workflow_run_id or ""):
            return answers.compared(item, runs, workflow)
        if refused := answers.refused(item, workflow):
            return refused
        assert workflow is not None  # noqa: S101  # else it was refused
        assert workflow.key is not None  # noqa: S101  # else it was refused
        return self._order(item, workflow.key)

    def _order(self, item: BatchItem, key: DagKey) -> Answer | RunOrder:
        try:
            errors = self._catalog.parameters(self._session, key).errors(item.parameters)
            dag = self._catalog.dag(self._session, key)
            template = self._catalog.template(self._session, key)
        except LookupError as error:
            return answers.unavailable(item, str(error))
        return answers.bad_parameters(item, errors) if errors else RunOrder(dag, key, template, item, conf_of(item))

    def _made(self, order: RunOrder, orders: dict[str, RunOrder], made: dict[str, Creation | Refused]) -> Answer:
        workflow = self._workflows[order.dag.dag_id]
        result = made[order.run_id]
        if result is Creation.CREATED and orders[order.run_id] is order:
            return answers.created(_new_run(order), workflow)
        if result is Creation.CREATED:
            # The id stands twice in this batch: its first item made the run.
            return answers.compared(order.item, [_new_run(orders[order.run_id])], workflow)
        if isinstance(result, Refused):
            return answers.refused_by_airflow(order.item, result.reason)
        runs = self._known.get(order.run_id)
        if runs:
            return answers.compared(order.item, runs, workflow)
        return answers.unavailable(order.item, f"the DAG {order.dag.dag_id!r} changed just now")


def _by_id(orders: Iterable[RunOrder]) -> dict[str, RunOrder]:
    first: dict[str, RunOrder] = {}
    for order in orders:
        first.setdefault(order.run_id, order)
    return first


def _by_priority(orders: Iterable[RunOrder]) -> list[RunOrder]:
    """Highest first, else as given: the scheduler takes the run first that was made first."""
    return sorted(orders, key=lambda order: -order.item.priority)


def _new_run(order: RunOrder) -> ExistingRun:
    item, now = order.item, datetime.now(UTC)
    return ExistingRun(item.workflow_id, order.run_id, DagRunState.QUEUED, item.parameters, item.priority, now)
