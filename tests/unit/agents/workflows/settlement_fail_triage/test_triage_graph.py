"""W1 on the sample messages: every figure in `expected.json` was worked out by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradewind_agents.workflows.settlement_fail_triage import WORKFLOW
from tradewind_agents.workflows.settlement_fail_triage.instruction import MessageError

DATA = Path(__file__).parents[4] / "data" / "settlement"
CASES: list[dict[str, Any]] = json.loads((DATA / "expected.json").read_text())


async def _run(case: dict[str, Any]) -> dict[str, Any]:
    message = (DATA / case["file"]).read_bytes().decode()
    parameters = WORKFLOW.parameters.model_validate({"message": message, **case["parameters"]})
    graph = WORKFLOW.build().compile()
    state = await graph.ainvoke({"parameters": parameters.model_dump(mode="json", exclude_none=True)})
    result: dict[str, Any] = state["result"]
    return result


@pytest.mark.parametrize("case", [case for case in CASES if "expected" in case], ids=lambda case: case["file"])
async def test_result(case: dict[str, Any]) -> None:
    expected = case["expected"]
    result = await _run(case)
    penalty = result["penalty_estimate"]
    deciding = result["evidence"][0]
    assert result["owner"] == expected["owner"]
    assert result["playbook"]["id"] == expected["playbook"]
    assert result["playbook"]["steps"]
    assert result["status"] == expected["status"]
    assert [deciding["code"], deciding["where"]] == expected["decided_by"]
    assert {name: penalty[name] for name in expected["penalty"]} == expected["penalty"]
    assert result["priority"] == expected["priority"], result["reasons"]
    assert result["degraded"] is True
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=lambda case: case["file"])
async def test_message_that_cannot_be_read(case: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as raised:
        await _run(case)
    assert str(raised.value) == case["error"]


def test_every_sample_has_its_expected_result() -> None:
    assert sorted(case["file"] for case in CASES) == sorted(
        path.name for path in DATA.iterdir() if path.suffix != ".json"
    )


async def test_a_huge_message_gives_a_bounded_result() -> None:
    result = await _run(next(case for case in CASES if "huge" in case["file"]))
    assert len(result["evidence"]) == 50
    assert result["evidence_left_out"] == 1950
    assert {"LACK", "SBLO"} == {found["code"] for found in result["evidence"]}
