"""Settling what is due: runs are made, dead letters written, and what cannot be done now is put off."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from airflow.observability import stats
from confluent_kafka import KafkaException

from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.backlog import Entry
from tradewind_airflow.ingestion.decisions import Again, Cancel, Done, GiveUp, Skip, Trigger
from tradewind_airflow.triggerer.errors import UnreachableError
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.problems import Problem
from tradewind_service.backoff import Backoff, delay
from tradewind_service.received_records import ReceivedRecord

logger = logging.getLogger(__name__)


class Plugin(Protocol):
    """Makes and ends runs; see `PluginClient`."""

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return an answer per item; raise `UnreachableError`."""
        ...

    def cancel(self, wanted: Cancel) -> Problem | None:
        """Return why a run was not cancelled, None if it was; raise `UnreachableError`."""
        ...


class Letters(Protocol):
    """Writes dead letters; see `DeadLetterWriter`."""

    def write(self, given_up: Sequence[tuple[ReceivedRecord, GiveUp]]) -> None:
        """Return when all are stored; raise `KafkaException`."""
        ...


class Settlement:
    """Works on entries of the backlog. `patience` in seconds: see `IngestionSettings.unavailable_patience`."""

    def __init__(self, plugin: Plugin, letters: Letters, patience: float, clock: Callable[[], float]) -> None:
        self._plugin = plugin
        self._letters = letters
        self._patience = patience
        self._clock = clock
        self._backoff = Backoff()

    def settle(self, entries: Sequence[Entry]) -> bool:
        """Settle the entries, or set when each is due again. False: something is down, so nothing new can be done."""
        try:
            triggers = [entry for entry in entries if isinstance(entry.work, Trigger)]
            self._trigger(triggers)
            self._cancel(entries, {entry.run_id: entry.due for entry in triggers if entry.waits})
            self._bury([entry for entry in entries if isinstance(entry.work, GiveUp)])
        except UnreachableError as error:
            return self._put_off(entries, f"runs cannot be made or ended: {error}")
        except KafkaException as error:
            return self._put_off(entries, f"dead letters cannot be written: {error}; is the dead-letter topic there?")
        for entry in entries:
            if isinstance(entry.work, Skip):
                self._done(entry, entry.work.why)
        self._backoff.reset()
        return True

    def _trigger(self, entries: list[Entry]) -> None:
        items = [entry.work.item for entry in entries if isinstance(entry.work, Trigger)]
        for entry, item, result in zip(entries, items, self._plugin.trigger(items) if items else [], strict=True):
            verdict = decisions.judge(item, result)
            if isinstance(verdict, Again):
                self._again_or_never(entry, item, verdict.problem)
            elif isinstance(verdict, GiveUp):
                entry.work = verdict
            else:
                self._done(entry, verdict.outcome)
                _time(item, result)

    def _cancel(self, entries: Sequence[Entry], waiting: Mapping[str | None, float]) -> None:
        """Cancel runs, one by one in their order, but for those whose trigger has to wait."""
        for entry in entries:
            if not isinstance(entry.work, Cancel) or entry.done:
                continue
            if entry.run_id in waiting:
                entry.due = waiting[entry.run_id]
                continue
            verdict = decisions.judge_cancel(entry.work, self._plugin.cancel(entry.work))
            if isinstance(verdict, GiveUp):
                entry.work = verdict
            elif isinstance(verdict, Done):
                self._done(entry, verdict.outcome)

    def _again_or_never(self, entry: Entry, item: BatchItem, problem: Problem) -> None:
        now = self._clock()
        entry.unavailable_since = now if entry.unavailable_since is None else entry.unavailable_since
        if now - entry.unavailable_since >= self._patience:
            entry.work = decisions.give_up(item, problem)
            return
        entry.due = now + delay(entry.attempts)
        entry.attempts += 1
        logger.info("run %s has to wait: %s", item.workflow_run_id, problem.detail)

    def _bury(self, entries: list[Entry]) -> None:
        given_up = [(entry.record, entry.work) for entry in entries if isinstance(entry.work, GiveUp)]
        if given_up:
            self._letters.write(given_up)
        for record, end in given_up:
            where = f"{record.topic}[{record.partition}]@{record.offset}"
            logger.warning("%s was dead-lettered: %s", where, end.reason)
        for entry in entries:
            self._done(entry, "dead-lettered")

    def _done(self, entry: Entry, outcome: str) -> None:
        entry.done = True
        stats.incr("tradewind.ingestion.records", tags={"outcome": outcome})

    def _put_off(self, entries: Sequence[Entry], why: str) -> bool:
        wait = self._backoff.next()
        logger.warning("%s. Nothing is lost; trying again in %.1f s", why, wait)
        for entry in entries:
            entry.due = max(entry.due, self._clock() + wait)
        return False


def _time(item: BatchItem, result: ItemResult) -> None:
    """Time a new run from its event; that of a repeat says nothing."""
    if result.outcome is Outcome.CREATED and item.origin is not None:
        # The clock that stamped the event may be ahead of ours.
        stats.timing("tradewind.ingestion.lag", max(timedelta(0), datetime.now(UTC) - item.origin.timestamp))
