"""The REST models of both APIs, field for field as in the brief; additions are optional fields."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradewind_contracts.json_text import JsonObject
from tradewind_contracts.run_ids import RunId

MAX_BATCH_ITEMS = 500

WorkflowId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=250, examples=["settlement_fail_triage"])]
"""A DAG id or a graph name: Airflow's own key rule (``airflow.utils.helpers.validate_key``), ASCII only."""

Priority = Annotated[int, Field(strict=True, ge=0, le=10)]
"""0 (lowest) to 10 (highest)."""


class WorkflowType(StrEnum):
    """The engine that runs a workflow."""

    AIRFLOW = "airflow"
    LANGGRAPH = "langgraph"


class RunStatus(StrEnum):
    """A run's status: triggered -> queued -> running -> (waiting ->) one of the three terminal ones.

    ``held``: the run exists and its DAG is paused. ``rejected``: dead-lettered, the run will never exist.
    """

    TRIGGERED = "triggered"
    QUEUED = "queued"
    HELD = "held"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended: only a retry changes it again."""
        return self in _TERMINAL


_TERMINAL = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.REJECTED})


class RequestModel(BaseModel):
    """A request body: an unknown field is rejected, because it is usually a typo."""

    model_config = ConfigDict(extra="forbid")


class WorkflowRequest(RequestModel):
    """A request for one run of one workflow."""

    workflow_id: WorkflowId
    workflow_type: WorkflowType
    parameters: JsonObject = Field(default_factory=dict, description="Validated against the workflow's schema")
    priority: Priority = 0


class WorkflowResponse(BaseModel):
    """An accepted run."""

    workflow_run_id: RunId
    status: RunStatus
    created_at: AwareDatetime
    workflow_id: WorkflowId
    workflow_type: WorkflowType
    deduplicated: bool = Field(default=False, description="True when the run was accepted before")


class WorkflowStatus(BaseModel):
    """The status of a run."""

    workflow_run_id: RunId
    status: RunStatus
    progress: float = Field(ge=0, le=1, description="Finished share of the run's steps, 0 to 1")
    result: Any | None = None
    error: str | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    workflow_id: WorkflowId | None = None
    workflow_type: WorkflowType | None = None
    stale: bool = Field(default=False, description="True for the last known status, when the engine is unavailable")


class WorkflowInfo(BaseModel):
    """A workflow that can be triggered."""

    workflow_id: WorkflowId
    workflow_type: WorkflowType
    description: str
    parameters_schema: dict[str, Any] = Field(description="JSON Schema (draft 2020-12) of `parameters`")


class WorkflowRunPage(BaseModel):
    """One page of runs, newest first; `next_cursor` is None on the last page."""

    runs: list[WorkflowStatus]
    next_cursor: str | None = None
