"""Batches: limits, and what is rejected."""

from typing import Any

import pytest
from pydantic import ValidationError

from tradewind_contracts.batches import BatchRequest

ITEM: dict[str, Any] = {"workflow_id": "w", "workflow_type": "airflow"}


@pytest.mark.parametrize("size", [1, 2, 499, 500])
def test_batches_that_are_accepted(size: int) -> None:
    assert len(BatchRequest.model_validate({"items": [ITEM] * size}).items) == size


@pytest.mark.parametrize("size", [0, 501, 1000])
def test_batches_that_are_rejected(size: int) -> None:
    with pytest.raises(ValidationError):
        BatchRequest.model_validate({"items": [ITEM] * size})


@pytest.mark.parametrize(
    "wrong",
    [
        {"workflow_run_id": "scheduled__1"},
        {"workflow_run_id": ""},
        {"origin": {"event_id": "e"}},
        {"origin": {"event_id": "e", "source": "s", "timestamp": "2026-11-20T09:00:00"}},
        {"origin": {"event_id": "e", "source": "s", "timestamp": "2026-11-20T09:00:00Z", "traceparent": "0" * 56}},
        {"dag_run_id": "misspelt"},
    ],
)
def test_items_that_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BatchRequest.model_validate({"items": [ITEM | wrong]})
