"""The workflows of this service: one module each, found by name.

A graph author adds one module to a package of `Settings.workflow_packages`; it defines `WORKFLOW`.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langgraph.graph import StateGraph
from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError

from tradewind_contracts.workflows import WorkflowInfo, WorkflowType

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AgentWorkflow:
    """A graph that can be triggered.

    The graph's state is a TypedDict of JSON-like values; its input is ``{"parameters": {...}}``, the validated
    parameters as JSON, and the channel ``result`` of its last state is the run's result.
    """

    workflow_id: str
    description: str
    parameters: type[BaseModel]
    build: Callable[[], StateGraph[Any]]

    @cached_property
    def info(self) -> WorkflowInfo:
        """Its entry in `GET /workflows`."""
        return WorkflowInfo(
            workflow_id=self.workflow_id,
            workflow_type=WorkflowType.LANGGRAPH,
            description=self.description,
            parameters_schema=self.parameters.model_json_schema(),
        )

    @cached_property
    def node_count(self) -> int:
        """Number of nodes, against which progress is measured."""
        return len(self.build().nodes)


class DuplicateWorkflowError(ValueError):
    """Two modules define a workflow with the same id."""


Registry = Mapping[str, AgentWorkflow]


def load(packages: Iterable[str]) -> Registry:
    """Import the modules of the packages and return their workflows by id; raise DuplicateWorkflowError.

    A workflow that `GET /workflows` could not describe is left out and logged: it must not cost the others.
    """
    found: dict[str, AgentWorkflow] = {}
    for workflow in (workflow for package in packages for workflow in _workflows(package)):
        if workflow.workflow_id in found:
            raise DuplicateWorkflowError(f"two workflows are named {workflow.workflow_id!r}")
        if _is_describable(workflow):
            found[workflow.workflow_id] = workflow
    return found


def _is_describable(workflow: AgentWorkflow) -> bool:
    try:
        return bool(workflow.info)
    except (ValidationError, PydanticUserError):
        logger.exception("the workflow %r is left out: its id or the schema of its parameters", workflow.workflow_id)
        return False


def _workflows(package: str) -> Iterable[AgentWorkflow]:
    names = [module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)]
    modules = [importlib.import_module(f"{package}.{name}") for name in sorted(names)]
    return [module.WORKFLOW for module in modules if isinstance(getattr(module, "WORKFLOW", None), AgentWorkflow)]
