"""Tasks of the event loop, one per record in work: bounded, in order per run, drained partition by partition."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from langgraph.runtime import RunControl

from tradewind_agents.intake import Accepted, Rejected
from tradewind_service.offset_tracker import Partition, TrackedRecord

_LOG = logging.getLogger(__name__)

Settle = Callable[[Accepted | Rejected, RunControl], Awaitable[bool]]


@dataclass(frozen=True)
class _Job:
    record: TrackedRecord
    control: RunControl


class Dispatcher:
    """Settles records, at most `concurrency` at once, those of one run in their order. It belongs to one event loop."""

    def __init__(self, settle: Settle, concurrency: int) -> None:
        self._settle = settle
        self._semaphore = asyncio.Semaphore(concurrency)
        self._jobs: dict[asyncio.Task[None], _Job] = {}
        self._last: dict[str, asyncio.Task[None]] = {}
        self.ended = 0
        """How many submitted records are no longer in work; may be read from any thread."""

    def submit(self, record: TrackedRecord, verdict: Accepted | Rejected) -> None:
        """Begin to settle a record; the record is done when it is settled."""
        job = _Job(record, RunControl())
        before = self._last.get(verdict.run_id)
        task = asyncio.get_running_loop().create_task(self._work(job, verdict, before), name=verdict.run_id)
        self._jobs[task] = job
        self._last[verdict.run_id] = task
        task.add_done_callback(self._forget)

    async def drain(self, partitions: Collection[Partition], seconds: float) -> None:
        """Stop the work on partitions: at the next superstep, or in the midst of it after `seconds`."""
        tasks = {task for task, job in self._jobs.items() if job.record.partition in partitions}
        for task in tasks:
            self._jobs[task].control.request_drain("partitions revoked")
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            _LOG.warning("%d runs were stopped in the midst of a step; their next owner repeats it", len(late))
            await asyncio.wait(late, timeout=5)

    async def _work(self, job: _Job, verdict: Accepted | Rejected, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._semaphore:
            job.record.done = await self._settle(verdict, job.control)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._jobs[task]
        if self._last.get(task.get_name()) is task:
            del self._last[task.get_name()]
        self.ended += 1
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("a record's work broke", exc_info=error)
