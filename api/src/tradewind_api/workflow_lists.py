"""The engines' workflow lists, cached: what can be triggered, and whether parameters match the workflow's schema."""

import asyncio
import difflib
import itertools
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from tradewind_api.engines import Engine, EngineDownError, Engines
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.workflows import WorkflowInfo, WorkflowRequest, WorkflowType
from tradewind_service.problem_responses import ProblemError, problem_error

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
_RELOAD_SECONDS = 1.0
_MAX_ERRORS = 50
_MAX_DETAIL = 300
_FORMATS = FormatChecker()  # as Airflow's Param checks them


@dataclass(frozen=True)
class KnownWorkflow:
    """A workflow and the validator of its parameters; None if its schema is not a JSON Schema."""

    info: WorkflowInfo
    validator: Draft202012Validator | None

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise `ProblemError` if the parameters do not match the schema."""
        try:
            errors = self._errors(parameters)
        except (Unresolvable, re.error, RecursionError, ArithmeticError) as error:
            raise self._unusable() from error
        if errors:
            raise problem_error(ProblemType.INVALID_PARAMETERS, f"{len(errors)} parameter(s) do not fit", errors=errors)

    def _errors(self, parameters: Mapping[str, Any]) -> list[FieldError]:
        if self.validator is None:
            raise self._unusable()
        found = itertools.islice(self.validator.iter_errors(parameters), _MAX_ERRORS)
        return [
            FieldError(pointer=pointer(["parameters", *error.absolute_path]), detail=error.message[:_MAX_DETAIL])
            for error in found
        ]

    def _unusable(self) -> ProblemError:
        detail = f"the parameters_schema of {self.info.workflow_id} is not a usable JSON Schema"
        return problem_error(ProblemType.WORKFLOW_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)


class _EngineList:
    """One engine's workflows as last read; `current` is False while the engine does not answer."""

    def __init__(self, workflow_type: WorkflowType, engine: Engine) -> None:
        self.workflows: dict[str, KnownWorkflow] | None = None
        self.current = False
        self._type = workflow_type
        self._engine = engine
        self._tried_at = float("-inf")
        self._loading: asyncio.Task[None] | None = None

    async def reload(self, max_age_seconds: float) -> None:
        """Read the list again unless it was tried within `max_age_seconds`; concurrent callers share one request."""
        if self._loading is None:
            if time.monotonic() - self._tried_at < max_age_seconds:
                return
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        try:
            infos = await self._engine.workflows()
            self.workflows = {info.workflow_id: self._known(info) for info in infos}
            self.current = True
        except EngineDownError as error:
            level = logging.WARNING if self.current else logging.DEBUG
            logger.log(level, "%s: its workflow list cannot be read, the last one is used: %s", self._type, error)
            self.current = False
        finally:
            self._tried_at = time.monotonic()
            self._loading = None

    def _known(self, info: WorkflowInfo) -> KnownWorkflow:
        # Checking a schema takes about a millisecond: not done again for each unchanged workflow at each reload.
        known = (self.workflows or {}).get(info.workflow_id)
        return known if known is not None and known.info == info else _known(info)


class WorkflowLists:
    """The workflows of all engines; for an engine that is down, those of its last list."""

    def __init__(self, engines: Engines, ttl_seconds: float) -> None:
        self._lists = {name: _EngineList(name, engine) for name, engine in engines.items()}
        self._ttl_seconds = ttl_seconds

    def known(self, workflow_type: WorkflowType) -> bool:
        """Whether this engine's list was ever read."""
        return self._lists[workflow_type].workflows is not None

    def current(self, workflow_type: WorkflowType) -> bool:
        """Whether this engine answered the last request for its list."""
        return self._lists[workflow_type].current

    async def check(self, request: WorkflowRequest) -> None:
        """Raise `ProblemError` if the workflow is not known or the parameters do not match its schema."""
        workflow = self._find(request) or await self._find_after_reload(request)
        workflow.check(request.parameters)

    async def listing(self) -> tuple[list[WorkflowInfo], list[WorkflowType]]:
        """Return all workflows and the engines whose list is not current; raise `ProblemError` if none was read."""
        unread = [listed for listed in self._lists.values() if listed.workflows is None]
        await asyncio.gather(*(listed.reload(_RELOAD_SECONDS) for listed in unread))
        read = [listed.workflows for listed in self._lists.values() if listed.workflows is not None]
        if not read:
            raise _engine_unavailable("no engine")
        infos = [workflow.info for workflows in read for workflow in workflows.values()]
        return infos, [name for name, listed in self._lists.items() if not listed.current]

    async def keep_current(self) -> None:
        """Reload the lists for ever, each `ttl_seconds`; once a second until each engine has answered."""
        while True:
            found = await asyncio.gather(*(listed.reload(0) for listed in self._lists.values()), return_exceptions=True)
            for error in filter(None, found):
                logger.error("a workflow list could not be read", exc_info=error)
            complete = all(self.known(name) for name in self._lists)
            await asyncio.sleep(self._ttl_seconds if complete else min(_RELOAD_SECONDS, self._ttl_seconds))

    def _find(self, request: WorkflowRequest) -> KnownWorkflow | None:
        return (self._lists[request.workflow_type].workflows or {}).get(request.workflow_id)

    async def _find_after_reload(self, request: WorkflowRequest) -> KnownWorkflow:
        # It may be new. At most one request a second, however many callers send unknown names.
        listed = self._lists[request.workflow_type]
        await listed.reload(_RELOAD_SECONDS)
        if found := self._find(request):
            return found
        if not listed.current:
            raise _engine_unavailable(request.workflow_type)
        raise problem_error(ProblemType.UNKNOWN_WORKFLOW, _unknown(request, listed.workflows or ()))


def _known(info: WorkflowInfo) -> KnownWorkflow:
    try:
        Draft202012Validator.check_schema(info.parameters_schema)
    except (SchemaError, RecursionError) as error:
        reason = str(getattr(error, "message", error))[:_MAX_DETAIL]
        logger.warning("%s: parameters_schema is not a usable JSON Schema: %s", info.workflow_id, reason)
        return KnownWorkflow(info, None)
    # An empty registry: a schema's $ref must never make us fetch a URL.
    validator = Draft202012Validator(info.parameters_schema, format_checker=_FORMATS, registry=EMPTY_REGISTRY)
    return KnownWorkflow(info, validator)


def _unknown(request: WorkflowRequest, names: Mapping[str, KnownWorkflow] | tuple[()]) -> str:
    close = difflib.get_close_matches(request.workflow_id, list(names), n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{request.workflow_type} has no workflow {request.workflow_id}{hint}"


def _engine_unavailable(name: str) -> ProblemError:
    detail = f"the workflow list of {name} cannot be read, and this workflow is on no list that was read before"
    return problem_error(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)
