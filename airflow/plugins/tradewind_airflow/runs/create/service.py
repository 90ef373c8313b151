"""Triggers in, runs out: one transaction for a batch, and an outcome for each item."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from airflow.observability import stats
from airflow.utils.session import create_session
from sqlalchemy.exc import OperationalError

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.create import outcomes
from tradewind_airflow.runs.create.batch import Batch
from tradewind_airflow.runs.create.outcomes import ItemOutcome
from tradewind_airflow.runs.create.run_requests import BulkWriter, TransactionLostError
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_contracts import run_ids
from tradewind_contracts.batches import BatchItem

logger = logging.getLogger(__name__)

DEADLOCK = "40P01"
"""Postgres' SQLSTATE: two batches held the same ids in different orders, and this one was ended."""


class TriggerService:
    """Creates the runs that are asked for. One per process; its calls block, so they belong on a worker thread.

    Without `bulk`, every run is created by Airflow's `create_dagrun`.
    """

    def __init__(self, dag_cache: DagCache, bulk: BulkWriter | None = None) -> None:
        self._dag_cache = dag_cache
        self._bulk = bulk

    def trigger(self, items: Sequence[BatchItem], caller: Caller) -> list[ItemOutcome]:
        """Return an outcome per item, in order, once all is committed. Safe to repeat: an id has one run."""
        began = time.perf_counter()
        processed = self._together([_named(item) for item in items], caller)
        _report(processed, caller, timedelta(seconds=time.perf_counter() - began))
        return processed

    def _together(self, items: Sequence[BatchItem], caller: Caller) -> list[ItemOutcome]:
        try:
            return self._attempt(items, caller)
        except TransactionLostError:
            logger.warning("Airflow rolled the batch back; going on with one transaction for each of its items")
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != DEADLOCK:
                raise
            logger.warning("another batch held the same run ids; going on with one transaction for each item")
        return [self._alone(item, caller) for item in items]

    def _alone(self, item: BatchItem, caller: Caller) -> ItemOutcome:
        try:
            return self._attempt([item], caller)[0]
        except TransactionLostError:
            return outcomes.unavailable(item, "Airflow could not write the run's tasks; its log says why")

    def _attempt(self, items: Sequence[BatchItem], caller: Caller) -> list[ItemOutcome]:
        with create_session(scoped=False) as session:
            return Batch(session, self._dag_cache, caller, items).process(self._bulk)


def _named(item: BatchItem) -> BatchItem:
    return item if item.workflow_run_id else item.model_copy(update={"workflow_run_id": run_ids.new()})


def _report(processed: Sequence[ItemOutcome], caller: Caller, duration: timedelta) -> None:
    """Count and log a batch's outcomes: numbers and names alone, nothing that the items carry."""
    counts = Counter(one.result.outcome.value for one in processed)
    for outcome, count in counts.items():
        stats.incr("tradewind.triggers", count, tags={"outcome": outcome})
    stats.timing("tradewind.batch.duration", duration)
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    logger.info("%s triggered %d in %.1f ms: %s", caller.name, len(processed), duration.total_seconds() * 1000, listed)
