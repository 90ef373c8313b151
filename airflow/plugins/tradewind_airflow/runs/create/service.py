"""Triggers in, runs out: one transaction for a batch, and an answer for each item."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from airflow.observability import stats
from airflow.utils.session import create_session
from sqlalchemy.exc import OperationalError

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog
from tradewind_airflow.runs.create import outcomes
from tradewind_airflow.runs.create.batch import Batch
from tradewind_airflow.runs.create.outcomes import ItemOutcome
from tradewind_airflow.runs.create.run_requests import TransactionLostError
from tradewind_contracts import run_ids
from tradewind_contracts.batches import BatchItem

logger = logging.getLogger(__name__)

DEADLOCK = "40P01"
"""Postgres' SQLSTATE: two batches held the same ids in different orders, and this one was ended."""


class TriggerService:
    """Makes the runs that are asked for. One per process; its calls block, so they belong on a worker thread."""

    def __init__(self, workflows: Catalog) -> None:
        self._workflows = workflows

    def trigger(self, items: Sequence[BatchItem], caller: Caller) -> list[ItemOutcome]:
        """Return an answer per item, in order, once what they say is committed. Safe to repeat: an id has one run."""
        began = time.perf_counter()
        given = self._together([_named(item) for item in items], caller)
        _report(given, caller, timedelta(seconds=time.perf_counter() - began))
        return given

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
            return Batch(session, self._workflows, caller, items).settle()


def _named(item: BatchItem) -> BatchItem:
    return item if item.workflow_run_id else item.model_copy(update={"workflow_run_id": run_ids.new()})


def _report(given: Sequence[ItemOutcome], caller: Caller, duration: timedelta) -> None:
    """Count and log what became of a batch: numbers and names alone, nothing that the items carry."""
    outcomes = Counter(answer.result.outcome.value for answer in given)
    for outcome, count in outcomes.items():
        stats.incr("tradewind.triggers", count, tags={"outcome": outcome})
    stats.timing("tradewind.batch.duration", duration)
    told = ", ".join(f"{count} {name}" for name, count in outcomes.items())
    logger.info("%s triggered %d in %.1f ms: %s", caller.name, len(given), duration.total_seconds() * 1000, told)
