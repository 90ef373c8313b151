"""Load from this process to loopback: at a steady rate (open loop), or as fast as answers come (closed loop)."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator

Call = Callable[[int], Awaitable[None]]


async def at_rate(call: Call, *, rate: float, seconds: float) -> list[float]:
    """Start `call(n)` at a steady rate, however long the calls before take; return the seconds of each."""
    # A full collection of this process would count as the server's latency.
    gc.collect()
    gc.freeze()
    start = time.perf_counter()
    return await asyncio.gather(*(_due(call, n, start + n / rate) for n in range(int(rate * seconds))))


async def _due(call: Call, number: int, due: float) -> float:
    await asyncio.sleep(due - time.perf_counter())
    # The timer's own lateness is the load generator's, not the server's.
    begun = time.perf_counter()
    await call(number)
    return time.perf_counter() - begun


async def as_fast_as_possible(call: Call, *, workers: int, count: int) -> tuple[float, list[float]]:
    """Make `count` calls from `workers` concurrent callers; return (calls per second, seconds of each)."""
    numbers = iter(range(count))
    start = time.perf_counter()
    spent = await asyncio.gather(*(_caller(call, numbers) for _ in range(workers)))
    taken = time.perf_counter() - start
    return count / taken, [one for caller in spent for one in caller]


async def _caller(call: Call, numbers: Iterator[int]) -> list[float]:
    spent = []
    for number in numbers:
        begun = time.perf_counter()
        await call(number)
        spent.append(time.perf_counter() - begun)
    return spent
