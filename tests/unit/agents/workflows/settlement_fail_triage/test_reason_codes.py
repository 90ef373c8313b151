"""The code tables: complete, and every row leads somewhere."""

from typing import get_args

import pytest

from tradewind_agents.workflows.settlement_fail_triage import reason_codes
from tradewind_agents.workflows.settlement_fail_triage.playbooks import PLAYBOOKS
from tradewind_agents.workflows.settlement_fail_triage.reason_codes import Owner, Rule

# orchestration-facts.md, section E3.
UNMATCHED = "CMIS CLAT CPCA DDAT DDEA DMON DELN DEPT DCMX ACRU ADEA"
PENDING = (
    "LACK CLAC AWMO AWSH CAIS LATE CLAT MLAT DOCY DOCC SBLO BLOC LAAW MINO REFU DKNY STCD BENO BYIY OBJT TAMM NEWI"
)
PENDING += " CHAS PHSE"
CONFIRMATION = "1 2 4 5 6 7 8 9 11 12 13 14 15 16 17 18 99"

ROWS = [
    (name, code, rule)
    for name, table in (
        ("unmatched", reason_codes.UNMATCHED),
        ("pending", reason_codes.PENDING),
        ("774", reason_codes.CONFIRMATION_REJECTED),
    )
    for code, rule in table.items()
]


def test_every_code_has_a_row() -> None:
    assert set(UNMATCHED.split()) <= set(reason_codes.UNMATCHED)
    assert set(PENDING.split()) <= set(reason_codes.PENDING)
    assert set(CONFIRMATION.split()) == set(reason_codes.CONFIRMATION_REJECTED)


@pytest.mark.parametrize(("name", "code", "rule"), ROWS, ids=[f"{name}-{code}" for name, code, _ in ROWS])
def test_every_row_is_whole(name: str, code: str, rule: Rule) -> None:
    assert rule.owner in get_args(Owner)
    assert rule.playbook in PLAYBOOKS
    assert rule.meaning
    assert rule.meaning[0].isupper()
    assert code.isdigit() if name == "774" else (len(code) == 4 and code.isupper())


def test_every_playbook_is_used_and_has_steps() -> None:
    used = {rule.playbook for _, _, rule in ROWS} | {reason_codes.UNKNOWN.playbook}
    assert used == set(PLAYBOOKS)
    assert all(playbook.steps for playbook in PLAYBOOKS.values())


@pytest.mark.parametrize(
    ("ours", "theirs"), [("LACK", "CLAC"), ("MONY", "CMON"), ("LATE", "CLAT"), ("DOCY", "DOCC"), ("PREA", "PRCY")]
)
def test_pairs_tell_who_must_act(ours: str, theirs: str) -> None:
    assert reason_codes.PENDING[ours].owner == "us"
    assert reason_codes.PENDING[theirs].owner == "counterparty"


def test_lack_of_cash() -> None:
    assert {code for code, rule in reason_codes.PENDING.items() if rule.lack == "cash"} == {"AWMO", "MONY", "CMON"}
