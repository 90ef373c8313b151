"""The engines' workflows, kept at hand: what can be triggered, and whether parameters fit, without asking an engine."""

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
from tradewind_api.errors import ApiError
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.workflows import WorkflowInfo, WorkflowRequest, WorkflowType

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
_RELOAD_SECONDS = 1.0
_MAX_ERRORS = 50
_MAX_DETAIL = 300
_FORMATS = FormatChecker()  # as Airflow's Param checks them


@dataclass(frozen=True)
class Workflow:
    """A workflow and the validator of its parameters; None where its schema is not one."""

    info: WorkflowInfo
    validator: Draft202012Validator | None

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise `ApiError` where the parameters do not fit the schema."""
        try:
            errors = self._errors(parameters)
        except (Unresolvable, re.error, RecursionError) as error:
            raise self._unusable() from error
        if errors:
            raise ApiError(ProblemType.INVALID_PARAMETERS, f"{len(errors)} parameter(s) do not fit", errors=errors)

    def _errors(self, parameters: Mapping[str, Any]) -> list[FieldError]:
        if self.validator is None:
            raise self._unusable()
        found = itertools.islice(self.validator.iter_errors(parameters), _MAX_ERRORS)
        return [
            FieldError(pointer=pointer(["parameters", *error.absolute_path]), detail=error.message[:_MAX_DETAIL])
            for error in found
        ]

    def _unusable(self) -> ApiError:
        detail = f"the parameters' schema of {self.info.workflow_id} is not a JSON Schema that can be used"
        return ApiError(ProblemType.WORKFLOW_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)


class _Shelf:
    """One engine's workflows, as last heard; `current` is False while the engine does not answer."""

    def __init__(self, workflow_type: WorkflowType, engine: Engine) -> None:
        self.workflows: dict[str, Workflow] | None = None
        self.current = False
        self._type = workflow_type
        self._engine = engine
        self._tried_at = float("-inf")
        self._loading: asyncio.Task[None] | None = None

    async def reload(self, max_age_seconds: float) -> None:
        """Ask the engine again, unless that was done within `max_age_seconds`; callers at once share one question."""
        if self._loading is None:
            if time.monotonic() - self._tried_at < max_age_seconds:
                return
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        try:
            infos = await self._engine.workflows()
            self.workflows = {info.workflow_id: _workflow(info) for info in infos}
            self.current = True
        except EngineDownError as error:
            level = logging.WARNING if self.current else logging.DEBUG
            logger.log(level, "%s: the last list stands: %s", self._type, error)
            self.current = False
        finally:
            self._tried_at = time.monotonic()
            self._loading = None


class Catalogue:
    """The workflows of all engines; an engine that is down is answered for by its last list."""

    def __init__(self, engines: Engines, ttl_seconds: float) -> None:
        self._shelves = {name: _Shelf(name, engine) for name, engine in engines.items()}
        self._ttl_seconds = ttl_seconds

    def known(self, workflow_type: WorkflowType) -> bool:
        """Whether this engine's list was ever read."""
        return self._shelves[workflow_type].workflows is not None

    def current(self, workflow_type: WorkflowType) -> bool:
        """Whether this engine answered when it was last asked for its list."""
        return self._shelves[workflow_type].current

    async def check(self, request: WorkflowRequest) -> None:
        """Raise `ApiError` where the workflow is not known or the parameters do not fit its schema."""
        workflow = self._find(request) or await self._look_again(request)
        workflow.check(request.parameters)

    async def listing(self) -> tuple[list[WorkflowInfo], list[WorkflowType]]:
        """Return all workflows, and the engines whose part is not current; raise `ApiError` if none was ever read."""
        unread = [shelf for shelf in self._shelves.values() if shelf.workflows is None]
        await asyncio.gather(*(shelf.reload(_RELOAD_SECONDS) for shelf in unread))
        read = [shelf.workflows for shelf in self._shelves.values() if shelf.workflows is not None]
        if not read:
            raise _engine_unavailable("no engine")
        infos = [workflow.info for workflows in read for workflow in workflows.values()]
        return infos, [name for name, shelf in self._shelves.items() if not shelf.current]

    async def keep_current(self) -> None:
        """Read the lists again as they age, for ever; until an engine's first answer, once a second."""
        while True:
            found = await asyncio.gather(*(shelf.reload(0) for shelf in self._shelves.values()), return_exceptions=True)
            for error in filter(None, found):
                logger.error("a workflow list could not be read", exc_info=error)
            complete = all(self.known(name) for name in self._shelves)
            await asyncio.sleep(self._ttl_seconds if complete else min(_RELOAD_SECONDS, self._ttl_seconds))

    def _find(self, request: WorkflowRequest) -> Workflow | None:
        return (self._shelves[request.workflow_type].workflows or {}).get(request.workflow_id)

    async def _look_again(self, request: WorkflowRequest) -> Workflow:
        # It may be new. A question a second at most, however many strangers ask.
        shelf = self._shelves[request.workflow_type]
        await shelf.reload(_RELOAD_SECONDS)
        if found := self._find(request):
            return found
        if not shelf.current:
            raise _engine_unavailable(request.workflow_type)
        raise ApiError(ProblemType.UNKNOWN_WORKFLOW, _unknown(request, shelf.workflows or ()))


def _workflow(info: WorkflowInfo) -> Workflow:
    try:
        Draft202012Validator.check_schema(info.parameters_schema)
    except SchemaError as error:
        logger.warning("%s: its parameters' schema is not one: %s", info.workflow_id, error.message[:_MAX_DETAIL])
        return Workflow(info, None)
    # An empty registry: a schema's $ref must never make us fetch a URL.
    validator = Draft202012Validator(info.parameters_schema, format_checker=_FORMATS, registry=EMPTY_REGISTRY)
    return Workflow(info, validator)


def _unknown(request: WorkflowRequest, names: Mapping[str, Workflow] | tuple[()]) -> str:
    close = difflib.get_close_matches(request.workflow_id, list(names), n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{request.workflow_type} has no workflow {request.workflow_id}{hint}"


def _engine_unavailable(name: str) -> ApiError:
    detail = f"{name} could not be asked for its workflows, and this one is on no list that was read before"
    return ApiError(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)
