"""Workflows are found by name, and what is found is whole."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from support.agent_workflows.steps import WORKFLOW
from tradewind_agents import registry
from tradewind_agents.registry import DuplicateWorkflowError

SHIPPED = registry.load(["tradewind_agents.workflows"])


def test_what_ships() -> None:
    assert set(SHIPPED) == {"settlement_fail_triage"}
    assert SHIPPED["settlement_fail_triage"].node_count == 5


@pytest.mark.parametrize("workflow", SHIPPED.values(), ids=SHIPPED.keys())
def test_each_is_whole(workflow: registry.AgentWorkflow) -> None:
    info = workflow.info
    assert info.description
    Draft202012Validator.check_schema(info.parameters_schema)
    assert info.parameters_schema["additionalProperties"] is False
    assert {"parameters", "result"} <= set(workflow.build().channels)


class Unpublishable(BaseModel):
    """Has no JSON Schema."""

    call: Callable[[], None]


@pytest.mark.parametrize(
    "change",
    [
        {"workflow_id": "größe"},
        {"workflow_id": "with a blank"},
        {"workflow_id": "w" * 251},
        {"parameters": Unpublishable},
    ],
    ids=["letter", "blank", "long", "schema"],
)
def test_one_that_cannot_be_described_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, change: dict[str, Any]
) -> None:
    bad = replace(SHIPPED["settlement_fail_triage"], **change)
    monkeypatch.setattr(registry, "_workflows", lambda _: [bad, WORKFLOW])
    assert set(registry.load(["any"])) == {WORKFLOW.workflow_id}
    assert repr(bad.workflow_id) in caplog.text


def test_two_of_one_name_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "one_desk_workflows"
    package.mkdir()
    for name in ("copy", "another_copy"):
        (package / f"{name}.py").write_text("from support.agent_workflows.steps import WORKFLOW\n")
    (package / "not_a_workflow.py").write_text("WORKFLOW = 'no'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DuplicateWorkflowError, match="steps"):
        registry.load([package.name])
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]
