"""What a facade's ledger costs: reading the topics, which each replica does for itself, and remembering runs."""

import asyncio
import logging
import time
import tracemalloc
from datetime import timedelta

from figures import Figures
from tradewind_api import ledger_records
from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_reader import LedgerReader, Window
from tradewind_contracts.topics import WORKFLOW_EVENTS, WORKFLOW_STATUS
from tradewind_service.received_records import ReceivedRecord

WINDOW = Window(timedelta(hours=1), 10**9)
PATIENCE = 120


class _Counting:
    """Feeds an index, and counts."""

    def __init__(self) -> None:
        self.records = 0

    def event(self, index: LedgerIndex, record: ReceivedRecord) -> None:
        self.records += 1
        ledger_records.feed_event(index, record)

    def status(self, index: LedgerIndex, record: ReceivedRecord) -> None:
        self.records += 1
        ledger_records.feed_status(index, record)


def ledger(bootstrap_servers: str) -> Figures:
    """Read all that the topics hold, once for the time and once for the memory."""
    seconds, records, _ = _read(bootstrap_servers)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    *_, index = _read(bootstrap_servers)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "ledger_record_cpu_ms": 1000 * seconds / records,
        "ledger_records": records,
        "ledger_run_memory_bytes": (after - before) / len(index),
    }


def _read(bootstrap_servers: str) -> tuple[float, int, LedgerIndex]:
    logging.getLogger("tradewind_api").setLevel(logging.ERROR)
    index, feeds = LedgerIndex(WORKFLOW_EVENTS.name, max_runs=10**7, max_bytes=2**32), _Counting()
    reader = LedgerReader(
        {"bootstrap.servers": bootstrap_servers},
        {WORKFLOW_EVENTS.name: feeds.event, WORKFLOW_STATUS.name: feeds.status},
        index,
        WINDOW,
        refresh_seconds=PATIENCE,
    )
    begun, deadline = time.process_time(), time.monotonic() + PATIENCE
    reader.open()
    while not reader.caught_up:
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger did not reach the topics' ends")
        time.sleep(0.05)
    spent = time.process_time() - begun
    asyncio.run(reader.close())
    return spent, feeds.records, index
