"""Steps that depend on each other."""

from threading import Barrier, Event

import pytest

from tradewind_local.steps import Step, run_steps


class Recorder:
    """Steps that write down when they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.reported: list[str] = []

    def step(self, name: str, *after: str) -> Step:
        return Step(name, lambda _: self.ran.append(name), after)

    def report(self, name: str, seconds: float) -> None:
        assert seconds >= 0
        self.reported.append(name)


def fail(_: Event) -> None:
    """A step that fails."""
    raise ValueError("the cause")


def test_a_step_runs_after_those_it_waits_for() -> None:
    recorder = Recorder()
    steps = [recorder.step("a"), recorder.step("b", "a"), recorder.step("c", "b", "a", "not there")]
    run_steps(steps, recorder.report)
    assert recorder.ran == recorder.reported == ["a", "b", "c"]


def test_independent_steps_run_side_by_side() -> None:
    meeting = Barrier(2, timeout=10)

    def meet(_: Event) -> None:
        meeting.wait()

    run_steps([Step("a", meet), Step("b", meet)], lambda *_: None)


def test_the_first_error_is_raised_and_nothing_after_it_runs() -> None:
    recorder = Recorder()
    steps = [Step("broken", fail), recorder.step("next", "broken"), recorder.step("last", "next")]
    with pytest.raises(ValueError, match="the cause"):
        run_steps(steps, recorder.report)
    assert recorder.ran == recorder.reported == []


def test_an_error_stops_a_step_that_waits() -> None:
    stopped: list[bool] = []
    with pytest.raises(ValueError, match="the cause"):
        run_steps([Step("waits", lambda stop: stopped.append(stop.wait(30))), Step("broken", fail)], lambda *_: None)
    assert stopped == [True]


def test_no_steps_are_done_at_once() -> None:
    run_steps([], lambda *_: None)
