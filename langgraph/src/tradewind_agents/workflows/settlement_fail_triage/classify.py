"""From reasons to one owner and one playbook, by code tables only."""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from tradewind_agents.workflows.settlement_fail_triage import reason_codes
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction, Layer, Reason
from tradewind_agents.workflows.settlement_fail_triage.reason_codes import Lack, Owner, Rule

_TABLES: Mapping[Layer, Mapping[str, Rule]] = {
    "matching": reason_codes.UNMATCHED,
    "settlement": reason_codes.PENDING,
    "processing": {},
}

_OPEN = frozenset({"NMAT", "PEND", "PENF", "REJT"})
"""Statuses that need action."""

_FIRST_LAYER = {"matching": 0, "settlement": 1, "processing": 2}
_FIRST_OWNER = {"us": 0, "counterparty": 1, "custodian": 2, "market": 3, "unknown": 4}


class ReasonEvidence(TypedDict):
    """One reason, its place in the message, and its row of the code tables."""

    where: str
    layer: str
    status: str
    code: str
    narrative: str
    meaning: str
    owner: Owner
    playbook: str


class Classification(TypedDict):
    """Who must act, how, and for which reasons; the first of `evidence` decided."""

    owner: Owner
    playbook: str
    lack: Lack
    status: str
    evidence: list[ReasonEvidence]
    evidence_left_out: int


def classify(instruction: Instruction, confirm_rej_reason: int | None) -> Classification:
    """Return the classification. Matching comes before settlement (what does not match cannot settle); within a layer,
    what we can do ourselves comes before what others must do.
    """
    ranked = sorted(_judged(instruction, confirm_rej_reason), key=lambda judged: _rank(*judged))
    if not ranked:
        return _without_reason(instruction)
    deciding, rule = ranked[0]
    return Classification(
        owner=rule.owner,
        playbook=rule.playbook,
        lack=rule.lack,
        status=deciding["status"],
        evidence=[_evidence(reason, found) for reason, found in ranked],
        evidence_left_out=instruction["reasons_left_out"],
    )


def rule_of(reason: Reason) -> Rule:
    """Return the table's row of a reason; a servicer's own code and a bare narrative have none."""
    if reason["proprietary"]:
        return reason_codes.UNKNOWN
    return _TABLES[reason["layer"]].get(reason["code"], reason_codes.UNKNOWN)


def _judged(instruction: Instruction, confirm_rej_reason: int | None) -> Iterable[tuple[Reason, Rule]]:
    judged = [(reason, rule_of(reason)) for reason in instruction["reasons"]]
    if confirm_rej_reason is None:
        return judged
    # The rejected confirmation names the field, which is more specific than a narrative or `the confirmation differs`.
    if not all(rule.owner == "unknown" or reason["code"] == "STCD" for reason, rule in judged):
        return judged
    return [_rejected_confirmation(instruction, confirm_rej_reason), *judged]


def _rejected_confirmation(instruction: Instruction, code: int) -> tuple[Reason, Rule]:
    status = _open_status(instruction)
    reason = Reason(
        layer="matching",
        status=status,
        code=str(code),
        proprietary=False,
        narrative="",
        where="parameters.confirm_rej_reason (FIX 774)",
    )
    return reason, reason_codes.CONFIRMATION_REJECTED.get(str(code), reason_codes.UNKNOWN)


def _rank(reason: Reason, rule: Rule) -> tuple[bool, int, int]:
    # A known code of any layer is more specific than an unknown one of the first.
    return rule.owner == "unknown", _FIRST_LAYER[reason["layer"]], _FIRST_OWNER[rule.owner]


def _without_reason(instruction: Instruction) -> Classification:
    status = _open_status(instruction)
    playbook = "manual_review" if status in _OPEN else "monitor"
    return Classification(
        owner="unknown", playbook=playbook, lack="securities", status=status, evidence=[], evidence_left_out=0
    )


def _open_status(instruction: Instruction) -> str:
    codes = [status["code"] for status in instruction["statuses"]]
    return next((code for code in codes if code in _OPEN), codes[-1])


def _evidence(reason: Reason, rule: Rule) -> ReasonEvidence:
    return ReasonEvidence(
        where=reason["where"],
        layer=reason["layer"],
        status=reason["status"],
        code=reason["code"],
        narrative=reason["narrative"],
        meaning=rule.meaning,
        owner=rule.owner,
        playbook=rule.playbook,
    )
