"""Owner and playbook from reasons."""

import pytest

from tradewind_agents.workflows.settlement_fail_triage.classify import classify
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction, Layer, Reason, Status


def _reason(
    code: str,
    layer: Layer = "settlement",
    status: str = "PENF",
    *,
    proprietary: bool = False,
    narrative: str = "",
) -> Reason:
    return Reason(
        layer=layer, status=status, code=code, proprietary=proprietary, narrative=narrative, where=f"at {code}"
    )


def _instruction(*reasons: Reason, status: str = "PENF", left_out: int = 0) -> Instruction:
    found = Status(layer="settlement", code=status, where="here")
    return Instruction(
        message_type="MT548", statuses=[found], reasons=list(reasons), reasons_left_out=left_out, sources={}
    )


def test_ours_before_theirs() -> None:
    found = classify(_instruction(_reason("CLAC"), _reason("CAIS"), _reason("LACK")), None)
    assert (found["owner"], found["playbook"]) == ("us", "cover_position")
    assert [evidence["code"] for evidence in found["evidence"]] == ["LACK", "CLAC", "CAIS"]


def test_matching_before_settlement() -> None:
    found = classify(_instruction(_reason("LACK"), _reason("CMIS", "matching", "NMAT")), None)
    assert (found["owner"], found["status"]) == ("counterparty", "NMAT")


def test_a_known_code_before_an_unknown_one_of_an_earlier_layer() -> None:
    found = classify(_instruction(_reason("ZZZZ", "matching", "NMAT"), _reason("CLAC")), None)
    assert (found["owner"], found["evidence"][1]["meaning"]) == ("counterparty", "The code is not in the tables")


@pytest.mark.parametrize(
    "reason",
    [
        _reason("ZZZZ"),
        _reason("LACK", proprietary=True),
        _reason("LACK", "processing", "REJT"),
        _reason("", narrative="PLS CALL"),
    ],
)
def test_what_the_tables_do_not_know_is_for_a_person(reason: Reason) -> None:
    found = classify(_instruction(reason, left_out=3), None)
    assert (found["owner"], found["playbook"], found["evidence_left_out"]) == ("unknown", "manual_review", 3)


@pytest.mark.parametrize(("status", "playbook"), [("PENF", "manual_review"), ("MACH", "monitor"), ("PACK", "monitor")])
def test_no_reason_at_all(status: str, playbook: str) -> None:
    found = classify(_instruction(status=status), None)
    assert (found["owner"], found["playbook"], found["evidence"]) == ("unknown", playbook, [])


@pytest.mark.parametrize("reasons", [[], [_reason("STCD")], [_reason("NARR")], [_reason("STCD"), _reason("")]])
def test_a_rejected_confirmation_names_the_field(reasons: list[Reason]) -> None:
    found = classify(_instruction(*reasons), 9)
    assert found["evidence"][0]["meaning"] == "Mismatched or missing settlement date"
    assert (found["owner"], len(found["evidence"])) == ("us", len(reasons) + 1)


def test_a_rejected_confirmation_does_not_outdo_a_clear_code() -> None:
    assert classify(_instruction(_reason("CLAC"), _reason("")), 9)["playbook"] == "chase_securities"


def test_an_unknown_confirmation_code() -> None:
    assert classify(_instruction(_reason("")), 4711)["owner"] == "unknown"
