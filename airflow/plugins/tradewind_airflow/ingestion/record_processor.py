"""Processing of records: creates and cancels runs, writes dead letters, and delays what cannot be done now."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from airflow.observability import stats
from confluent_kafka import KafkaException

from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.backlog import Entry
from tradewind_airflow.ingestion.decisions import Cancel, DeadLettered, Done, RetryLater, Skip, Trigger
from tradewind_airflow.triggerer.errors import UnreachableError
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.problems import Problem
from tradewind_service.backoff import Backoff, delay
from tradewind_service.received_records import ReceivedRecord

logger = logging.getLogger(__name__)


class Plugin(Protocol):
    """Creates and cancels runs; see `PluginClient`."""

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return a result per item; raise `UnreachableError`."""
        ...

    def cancel(self, cancel: Cancel) -> Problem | None:
        """Return why a run was not cancelled, None if it was; raise `UnreachableError`."""
        ...


class Letters(Protocol):
    """Writes dead letters; see `DeadLetterWriter`."""

    def write(self, dead: Sequence[tuple[ReceivedRecord, DeadLettered]]) -> None:
        """Return when all are stored; raise `KafkaException`."""
        ...


@dataclass
class Processed:
    """What became of a batch, as far as it is done: how many records by outcome, and how long new runs took."""

    retry_at: float | None = None
    """When to try again, as something that all records need is down."""
    outcomes: Counter[str] = field(default_factory=Counter)
    lags: list[timedelta] = field(default_factory=list)

    def report(self) -> None:
        """Count the records and time the runs."""
        for outcome, count in self.outcomes.items():
            stats.incr("tradewind.ingestion.records", count, tags={"outcome": outcome})
        for lag in self.lags:
            stats.timing("tradewind.ingestion.lag", lag)

    def done(self, entry: Entry, outcome: str) -> None:
        """Take note that a record needs nothing more."""
        entry.done = True
        self.outcomes[outcome] += 1

    def created(self, item: BatchItem) -> None:
        """Take the time from an item's event to its new run."""
        if item.origin is not None:
            # The clock that stamped the event may be ahead of ours.
            self.lags.append(max(timedelta(0), datetime.now(UTC) - item.origin.timestamp))


class RecordProcessor:
    """Works on entries of the backlog. `patience` in seconds: see `IngestionSettings.unavailable_patience`."""

    def __init__(self, plugin: Plugin, letters: Letters, patience: float, clock: Callable[[], float]) -> None:
        self._plugin = plugin
        self._letters = letters
        self._patience = patience
        self._clock = clock
        self._backoff = Backoff()

    def process(self, entries: Sequence[Entry]) -> Processed:
        """Process the entries, or set when each is due again."""
        processed = Processed()
        try:
            triggers = [entry for entry in entries if isinstance(entry.work, Trigger)]
            self._trigger(triggers, processed)
            self._cancel(entries, {entry.run_id: entry.due for entry in triggers if entry.waits}, processed)
            self._dead_letter([entry for entry in entries if isinstance(entry.work, DeadLettered)], processed)
        except UnreachableError as error:
            return self._down(processed, f"runs cannot be created or cancelled: {error}")
        except KafkaException as error:
            why = f"dead letters cannot be written: {error}; does the dead-letter topic exist?"
            return self._down(processed, why)
        for entry in entries:
            if isinstance(entry.work, Skip):
                processed.done(entry, entry.work.why)
        self._backoff.reset()
        return processed

    def _trigger(self, entries: list[Entry], processed: Processed) -> None:
        items = [entry.work.item for entry in entries if isinstance(entry.work, Trigger)]
        for entry, item, result in zip(entries, items, self._plugin.trigger(items) if items else [], strict=True):
            verdict = decisions.judge(item, result)
            if isinstance(verdict, RetryLater):
                self._retry_or_dead_letter(entry, item, verdict.problem)
            elif isinstance(verdict, DeadLettered):
                entry.work = verdict
            else:
                processed.done(entry, verdict.outcome)
                # The time of a repeat would say nothing.
                if result.outcome is Outcome.CREATED:
                    processed.created(item)

    def _cancel(self, entries: Sequence[Entry], waiting: Mapping[str | None, float], processed: Processed) -> None:
        """Cancel runs, one by one in their order, but for those whose trigger has to wait."""
        for entry in entries:
            if not isinstance(entry.work, Cancel) or entry.done:
                continue
            if entry.run_id in waiting:
                entry.due = waiting[entry.run_id]
                continue
            verdict = decisions.judge_cancel(entry.work, self._plugin.cancel(entry.work))
            if isinstance(verdict, DeadLettered):
                entry.work = verdict
            elif isinstance(verdict, Done):
                processed.done(entry, verdict.outcome)

    def _retry_or_dead_letter(self, entry: Entry, item: BatchItem, problem: Problem) -> None:
        now = self._clock()
        entry.unavailable_since = now if entry.unavailable_since is None else entry.unavailable_since
        if now - entry.unavailable_since >= self._patience:
            entry.work = decisions.dead_lettered(item, problem)
            return
        entry.due = now + delay(entry.attempts)
        entry.attempts += 1
        logger.info("run %s has to wait: %s", item.workflow_run_id, problem.detail)

    def _dead_letter(self, entries: list[Entry], processed: Processed) -> None:
        dead = [(entry.record, entry.work) for entry in entries if isinstance(entry.work, DeadLettered)]
        if dead:
            self._letters.write(dead)
        for record, end in dead:
            where = f"{record.topic}[{record.partition}]@{record.offset}"
            logger.warning("%s was dead-lettered: %s", where, end.reason)
        for entry in entries:
            processed.done(entry, "dead-lettered")

    def _down(self, processed: Processed, why: str) -> Processed:
        wait = self._backoff.next()
        logger.warning("%s. Nothing is lost; trying again in %.1f s", why, wait)
        processed.retry_at = self._clock() + wait
        return processed
