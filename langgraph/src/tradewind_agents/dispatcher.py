"""Asyncio tasks, one per record in progress: bounded, in order per run, drained by partition."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from langgraph.runtime import RunControl

from tradewind_agents.intake import Accepted, Rejected
from tradewind_service.offset_tracker import Partition, TrackedRecord

_LOG = logging.getLogger(__name__)

Process = Callable[[Accepted | Rejected, RunControl], Awaitable[bool]]


@dataclass(frozen=True)
class _Submission:
    record: TrackedRecord
    control: RunControl


class Dispatcher:
    """Processes records, at most `concurrency` at once, those of one run in order. It belongs to one event loop."""

    def __init__(self, process: Process, concurrency: int) -> None:
        self._process = process
        self._semaphore = asyncio.Semaphore(concurrency)
        self._submissions: dict[asyncio.Task[None], _Submission] = {}
        self._last: dict[str, asyncio.Task[None]] = {}
        self.ended = 0
        """Number of submitted records that are no longer in progress; may be read from any thread."""

    def submit(self, record: TrackedRecord, decision: Accepted | Rejected) -> None:
        """Start to process a record, which is `done` afterwards."""
        submission = _Submission(record, RunControl())
        before = self._last.get(decision.run_id)
        task = asyncio.get_running_loop().create_task(self._run(submission, decision, before), name=decision.run_id)
        self._submissions[task] = submission
        self._last[decision.run_id] = task
        task.add_done_callback(self._forget)

    async def drain(self, partitions: Collection[Partition], seconds: float) -> None:
        """Stop processing partitions: at the next superstep, or in the middle of one after `seconds`."""
        tasks = {task for task, submission in self._submissions.items() if submission.record.partition in partitions}
        for task in tasks:
            self._submissions[task].control.request_drain("partitions revoked")
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            _LOG.warning("stopped %d runs in the middle of a step; their next owner repeats it", len(late))
            await asyncio.wait(late, timeout=5)

    async def _run(
        self, submission: _Submission, decision: Accepted | Rejected, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._semaphore:
            submission.record.done = await self._process(decision, submission.control)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._submissions[task]
        if self._last.get(task.get_name()) is task:
            del self._last[task.get_name()]
        self.ended += 1
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("processing a record failed", exc_info=error)
