"""What the feed reads of a run: a committed row of `dag_run`, and the run's requests for human input."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunRow:
    """The columns of a `dag_run` row that determine the run's status. Timestamps are those of Airflow's processes."""

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
    """Whether its DAG is one of Tradewind's own (`dags.INTERNAL_TAG`), which the change feed leaves out."""

    envelope: Mapping[str, Any] | None = None
    """`conf["_tradewind"]`, where Tradewind wrote one."""


@dataclass(frozen=True)
class Question:
    """One request for human input (`hitl_detail`): when it was made, and when it was answered."""

    requested_at: datetime
    answered_at: datetime | None = None
