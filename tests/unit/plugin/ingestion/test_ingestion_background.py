import contextvars
import threading

import pytest

from tradewind_airflow.ingestion.background import BackgroundThread


def test_calls_are_made_one_after_another_on_another_thread() -> None:
    background: BackgroundThread[int] = BackgroundThread("test")
    first, second = (background.submit(threading.get_ident) for _ in range(2))
    assert first.result(5) == second.result(5) != threading.get_ident()
    background.close()


def test_what_a_call_raises_is_raised_where_its_result_is_read_and_the_next_is_made() -> None:
    background: BackgroundThread[int] = BackgroundThread("test")
    failing, working = background.submit(lambda: 1 // 0), background.submit(lambda: 1)
    with pytest.raises(ZeroDivisionError):
        failing.result(5)
    assert working.result(5) == 1
    background.close()


def test_its_calls_see_the_context_in_which_it_was_made() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    variable.set("ours")
    background: BackgroundThread[str] = BackgroundThread("test")
    assert background.submit(variable.get).result(5) == "ours"
    background.close()
