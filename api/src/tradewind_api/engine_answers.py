"""Parses the engines' answers. What breaks the contract costs only itself: one list entry, or one optional field."""

import json
import logging
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus

logger = logging.getLogger(__name__)

Warn = Callable[[str], None]

MAX_WARNINGS = 100
_MAX_NAME = 100
_MAX_REASON = 300
_INFOS: TypeAdapter[list[WorkflowInfo]] = TypeAdapter(list[WorkflowInfo])


class OnceLogger:
    """Logs a warning once, however often it is repeated, and at most 100 different ones."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._logged: set[str] = set()

    def warn(self, text: str) -> None:
        """Log the warning unless it was logged before."""
        if text not in self._logged and len(self._logged) < MAX_WARNINGS:
            self._logged.add(text)
            logger.warning("%s: %s", self._subject, text)


def workflow_infos(content: bytes, warn: Warn) -> list[WorkflowInfo]:
    """Return the valid entries of a workflow list; raise ValueError if it is not a list or none is valid."""
    try:
        return _INFOS.validate_json(content)
    except ValidationError:
        entries = _list(content)
    infos = [info for number, entry in enumerate(entries) if (info := _info(entry, number, warn))]
    if not infos:
        raise ValueError("no entry is valid")
    return infos


def run_status(content: bytes, warn: Warn) -> WorkflowStatus:
    """Return a run's status without the optional fields that are not valid; raise ValueError for a required one."""
    try:
        return WorkflowStatus.model_validate_json(content)
    except ValidationError as error:
        invalid = {found["loc"][0] for found in error.errors() if found["loc"]}
        if not invalid:
            raise
    fields = {name: value for name, value in from_json(content).items() if name not in invalid}
    status = WorkflowStatus.model_validate(fields)
    warn(f"fields of a status are skipped, as they are not valid: {', '.join(sorted(map(str, invalid)))}")
    return status


def _list(content: bytes) -> list[object]:
    # The standard library's parser takes what pydantic's refuses for the whole text: deep nesting, lone surrogates.
    try:
        entries = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(entries, list):
        raise ValueError("not a JSON array")  # noqa: TRY004  # one error for all that is no list
    return entries


def _info(entry: object, number: int, warn: Warn) -> WorkflowInfo | None:
    try:
        return WorkflowInfo.model_validate_json(json.dumps(entry))
    except (ValueError, RecursionError) as error:
        name = repr(entry["workflow_id"])[:_MAX_NAME] if isinstance(entry, dict) and "workflow_id" in entry else number
        warn(f"entry {name} of the workflow list is skipped: {_reason(error)}")
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()[:_MAX_REASON]
    return type(error).__name__
