"""Reason codes: what they mean, who has to act, and how.

Sources: ISO 15022 MT548 field 24B (https://iso20022.org/15022/uhb/mt548-84-field-24b.htm) and ISO 20022
UnmatchedReason, PendingReason, FailingReason code sets for the meanings; FIX 4.4 tag 774 ConfirmRejReason. Owner and
playbook are Tradewind's choice: the owner is the party that has to act first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Owner = Literal["us", "counterparty", "custodian", "market", "unknown"]
Lack = Literal["securities", "cash"]


@dataclass(frozen=True)
class Rule:
    """The consequences of a code. `lack` is the cause of the fail, for the penalty's rate."""

    meaning: str
    owner: Owner
    playbook: str
    lack: Lack = "securities"


def _table(rows: str) -> Mapping[str, Rule]:
    """Parse rows of ``code | owner | playbook | meaning``; a `$` before the meaning marks a lack of cash."""
    rules: dict[str, Rule] = {}
    for row in rows.strip().splitlines():
        code, owner, playbook, meaning = (part.strip() for part in row.split("|"))
        lack: Lack = "cash" if meaning.startswith("$") else "securities"
        rules[code] = Rule(meaning.removeprefix("$ "), owner, playbook, lack)  # type: ignore[arg-type]  # a test checks every owner
    return MappingProxyType(rules)


UNMATCHED = _table("""
CMIS | counterparty | chase_instruction    | No matching instruction from the counterparty
CLAT | counterparty | chase_instruction    | The counterparty's instruction came too late
CPCA | counterparty | confirm_cancellation | The counterparty cancelled its instruction
DDAT | us           | compare_and_amend    | Settlement dates differ
DDEA | us           | compare_and_amend    | Deal prices differ
DMON | us           | compare_and_amend    | Settlement amounts differ
DELN | us           | compare_and_amend    | Directions (deliver or receive, payment) differ
DEPT | us           | compare_and_amend    | Places of settlement differ
DCMX | us           | compare_and_amend    | Cum or ex differs
ACRU | us           | compare_and_amend    | Accrued interest differs
DQUA | us           | compare_and_amend    | Quantities differ
DSEC | us           | compare_and_amend    | Securities differ
DTRA | us           | compare_and_amend    | Trade dates differ
IIND | us           | compare_and_amend    | Common references differ
ADEA | us           | late_instruction     | Our instruction came after the account servicer's deadline
LATE | us           | late_instruction     | Our instruction came after the market's deadline
""")
"""Matching status NMAT (ISO 20022 UnmatchedReason)."""

PENDING = _table("""
LACK | us           | cover_position      | Our account lacks deliverable securities
LALO | us           | cover_position      | Our securities are on loan
LAAW | us           | cover_position      | Waits for a linked purchase of ours to settle
MLAT | us           | cover_position      | Our cover (money or securities) came too late for today
CLAC | counterparty | chase_securities    | The counterparty lacks securities
AWSH | counterparty | chase_securities    | Securities are awaited from the counterparty
AWMO | counterparty | chase_cash          | $ Money is awaited from the counterparty
CMON | counterparty | chase_cash          | $ The counterparty lacks money
MONY | us           | fund_account        | $ Our account lacks money
LATE | us           | late_instruction    | Our instruction came after the market's deadline
ADEA | us           | late_instruction    | Our instruction came after the account servicer's deadline
CLAT | counterparty | chase_instruction   | The counterparty's instruction came too late
DOCY | us           | send_documents      | Documents or endorsements are awaited from us
DOCC | counterparty | chase_documents     | Documents or endorsements are awaited from the counterparty
BENO | us           | send_documents      | The beneficial owner's details are missing
SBLO | custodian    | unblock             | The securities are blocked
BLOC | custodian    | unblock             | The account is blocked
MINO | us           | compare_and_amend   | The quantity is not a multiple of, or is below, the minimum
REFU | counterparty | resolve_refusal     | The counterparty refused or did not recognise the instruction
DKNY | counterparty | resolve_refusal     | The counterparty does not know the trade
STCD | us           | compare_and_amend   | The confirmation differs
BYIY | us           | handle_buy_in       | A buy-in has started
OBJT | custodian    | unblock             | The securities are under objection
PHSE | custodian    | follow_market       | Physical delivery is under way
CHAS | counterparty | chase_securities    | The counterparty has been chased already
TAMM | market       | follow_market       | The trade is being amended in the market
CAIS | market       | follow_market       | Securities are awaited from a corporate action or registration
NEWI | market       | follow_market       | The securities are a new issue that is not yet there
PREA | us           | release_instruction | Our instruction is on hold
LINK | us           | release_instruction | Waits for a linked instruction
PRCY | counterparty | chase_release       | The counterparty's instruction is on hold
CSDH | custodian    | unblock             | The central securities depository holds it
FUTU | unknown      | monitor             | The settlement date has not come
CYCL | unknown      | monitor             | Waits for the next settlement cycle
NORE | unknown      | manual_review       | No reason is given
NARR | unknown      | manual_review       | The reason is in the narrative
""")
"""Settlement status PEND and PENF (ISO 20022 PendingReason, FailingReason)."""

CONFIRMATION_REJECTED = _table("""
1  | us           | compare_and_amend | Mismatched account
2  | us           | send_documents    | Missing settlement instructions
4  | counterparty | resolve_refusal   | Unknown: the trade is not recognised
5  | us           | confirm_cancellation | Duplicate confirmation
6  | us           | compare_and_amend | Mismatched or missing instrument
7  | us           | compare_and_amend | Mismatched or missing price
8  | us           | compare_and_amend | Mismatched or missing commission
9  | us           | compare_and_amend | Mismatched or missing settlement date
11 | us           | compare_and_amend | Mismatched or missing quantity
12 | us           | compare_and_amend | Mismatched or missing fees
13 | us           | compare_and_amend | Mismatched or missing tax
14 | us           | compare_and_amend | Mismatched or missing party
15 | us           | compare_and_amend | Mismatched or missing side
16 | us           | compare_and_amend | Mismatched or missing net money
17 | us           | compare_and_amend | Mismatched or missing trade date
18 | us           | compare_and_amend | Mismatched or missing settlement currency instructions
99 | unknown      | manual_review     | Other
""")
"""FIX ConfirmRejReason (774)."""

UNKNOWN = Rule("The code is not in the tables", "unknown", "manual_review")
