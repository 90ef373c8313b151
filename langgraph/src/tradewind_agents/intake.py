"""Decides what to do with a record of the event topic; pure, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tradewind_agents.registry import AgentWorkflow, Registry
from tradewind_contracts import dead_letters, records
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.records import Decoded, DecodeError
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.dead_letter_records import RunReference, dead_letter
from tradewind_service.received_records import ReceivedRecord

UNSUPPORTED_COMMAND = "unsupported-command"


@dataclass(frozen=True)
class Skipped:
    """Not for this service: its offset can be committed."""

    reason: str


@dataclass(frozen=True)
class Rejected:
    """It can never run: its offset can be committed once its dead letter is in the dead-letter topic."""

    record: ReceivedRecord
    letter: DeadLetter

    @property
    def run_id(self) -> str:
        """The requested run."""
        return self.letter.workflow_run_id or ""


@dataclass(frozen=True)
class Accepted:
    """A run to execute. `parameters` are the validated ones, as JSON."""

    record: ReceivedRecord
    trigger: WorkflowTriggered
    workflow: AgentWorkflow
    parameters: dict[str, Any]
    traceparent: str | None = None

    @property
    def run_id(self) -> str:
        """The requested run."""
        return self.trigger.workflow_run_id


Decision = Skipped | Rejected | Accepted


class Intake:
    """Checks records against the registered workflows and their parameters."""

    def __init__(self, registry: Registry, consumer_group: str) -> None:
        self._registry = registry
        self._consumer_group = consumer_group

    def decide(self, record: ReceivedRecord) -> Decision:
        """Return the decision on a record. Records that are not events are dead-lettered by the Airflow ingestion."""
        try:
            decoded = records.decode(record.value, record.headers)
        except DecodeError:
            return Skipped("undecodable")
        event = decoded.event
        if event.workflow_type != WorkflowType.LANGGRAPH:
            return Skipped("other-engine")
        if isinstance(event, WorkflowStatusChanged):
            return Skipped("not-a-request")
        if not isinstance(event, WorkflowTriggered):
            return self._reject(record, event, UNSUPPORTED_COMMAND, f"{event.event_type} is not supported yet")
        return self._decide_trigger(record, decoded, event)

    def conflict(self, accepted: Accepted) -> Rejected:
        """Return the rejection of a trigger whose run id belongs to a run with another payload."""
        detail = "this workflow_run_id was used for another workflow, other parameters or another priority"
        return self._reject(accepted.record, accepted.trigger, ProblemType.IDEMPOTENCY_CONFLICT.slug, detail)

    def _decide_trigger(self, record: ReceivedRecord, decoded: Decoded, event: WorkflowTriggered) -> Decision:
        workflow = self._registry.get(event.workflow_id)
        if workflow is None:
            detail = f"no workflow {event.workflow_id!r} is registered with the agents service"
            return self._reject(record, event, ProblemType.UNKNOWN_WORKFLOW.slug, detail)
        try:
            parameters = workflow.parameters.model_validate(event.payload.parameters)
        except ValidationError as error:
            return self._invalid(record, event, error)
        return Accepted(record, event, workflow, _as_json(parameters), decoded.traceparent)

    def _invalid(self, record: ReceivedRecord, event: WorkflowTriggered, error: ValidationError) -> Rejected:
        found = error.errors(include_url=False, include_context=False, include_input=False)[: dead_letters.MAX_ERRORS]
        errors = [FieldError(pointer=pointer(["payload", "parameters", *e["loc"]]), detail=e["msg"]) for e in found]
        detail = "; ".join(f"{e.pointer} {e.detail}" for e in errors[:5])
        return self._reject(record, event, ProblemType.INVALID_PARAMETERS.slug, detail, errors)

    def _reject(
        self, record: ReceivedRecord, event: Any, reason: str, detail: str, errors: Sequence[FieldError] = ()
    ) -> Rejected:
        run = RunReference(event.workflow_run_id, event.workflow_id, event.workflow_type)
        letter = dead_letter(record, self._consumer_group, reason, detail, errors=errors, run=run)
        return Rejected(record, letter)


def _as_json(parameters: BaseModel) -> dict[str, Any]:
    return parameters.model_dump(mode="json", exclude_none=True)
