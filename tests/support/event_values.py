"""Hypothesis strategies: any JSON value, and any event of the contract."""

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tradewind_contracts.events import (
    CancelMode,
    CancelPayload,
    CancelRequested,
    Event,
    Metadata,
    ResumePayload,
    ResumeRequested,
    StatusPayload,
    TriggerPayload,
    WorkflowStatusChanged,
    WorkflowTriggered,
)
from tradewind_contracts.workflows import RunStatus, WorkflowType

STATUS_EVENTS = [s for s in RunStatus if s not in {RunStatus.TRIGGERED, RunStatus.REJECTED}]

storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | storable_text,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(storable_text, children, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(storable_text, json_values, max_size=5)

identifiers = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=250)
run_ids = st.from_regex(r"[a-z0-9][A-Za-z0-9_~:+-]{0,60}", fullmatch=True)
workflow_ids = st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001  # hypothesis wants naive bounds

envelope = {
    "event_id": identifiers,
    "timestamp": instants,
    "source": identifiers,
    "workflow_id": workflow_ids,
    "workflow_type": st.sampled_from(WorkflowType),
    "workflow_run_id": run_ids,
    "metadata": st.builds(Metadata, environment=st.text("abcdé", max_size=64), version=st.just("1.0")),
}


def _changed(status: RunStatus) -> st.SearchStrategy[WorkflowStatusChanged]:
    payload = st.builds(
        StatusPayload,
        status=st.just(status),
        progress=st.floats(0, 1),
        result=json_values,
        error=st.none() | storable_text,
        started_at=st.none() | instants,
        completed_at=st.none() | instants,
    )
    return st.builds(WorkflowStatusChanged, event_type=st.just(f"workflow.{status}"), payload=payload, **envelope)


events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        WorkflowTriggered,
        payload=st.builds(TriggerPayload, parameters=json_objects, priority=st.integers(0, 10)),
        **envelope,
    ),
    st.builds(
        CancelRequested,
        payload=st.builds(CancelPayload, mode=st.sampled_from(CancelMode), reason=st.none() | st.just("late")),
        **envelope,
    ),
    st.builds(
        ResumeRequested, payload=st.builds(ResumePayload, interrupt_id=identifiers, value=json_values), **envelope
    ),
    st.sampled_from(STATUS_EVENTS).flatmap(_changed),
)
