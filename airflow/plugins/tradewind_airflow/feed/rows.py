"""What the feed knows of a run: a committed row of `dag_run`, and the questions that the run asked people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunRow:
    """A row of `dag_run` as far as it tells where the run is. Times are as Airflow's processes stamped them."""

    id: int
    dag_id: str
    run_id: str
    state: str
    clear_number: int
    queued_at: datetime | None
    start_date: datetime | None
    end_date: datetime | None
    updated_at: datetime
    is_paused: bool
    is_internal: bool = False
    """Whether its DAG is Tradewind's own machinery (`dags.INTERNAL_TAG`), which no page of changes tells of."""

    envelope: Mapping[str, Any] | None = None
    """`conf["_tradewind"]`, where Tradewind wrote one."""


@dataclass(frozen=True)
class Question:
    """One request for human input (`hitl_detail`): since when it waits, and when it was answered."""

    asked_at: datetime
    answered_at: datetime | None = None
