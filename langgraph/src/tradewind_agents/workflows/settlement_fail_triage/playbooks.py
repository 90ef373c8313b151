"""What to do for each kind of fail: steps in the order in which a settlements desk takes them."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Playbook:
    """Named steps."""

    id: str
    title: str
    steps: tuple[str, ...]


_ALL = (
    Playbook(
        "chase_instruction",
        "Get the counterparty to instruct",
        (
            "Check that our instruction reached the market and names the right counterparty and place of settlement",
            "Send the counterparty our instruction's details and ask for theirs before the cut-off",
            "Ask the trading desk to confirm that the counterparty knows the trade",
        ),
    ),
    Playbook(
        "compare_and_amend",
        "Find the wrong field and amend",
        (
            "Compare the field named by the reason code with the confirmed trade",
            "If ours is wrong: cancel and replace the instruction, linked to the old one",
            "If theirs is wrong: send the counterparty the confirmation and ask for an amendment",
        ),
    ),
    Playbook(
        "confirm_cancellation",
        "Agree on the cancellation, or object",
        (
            "Ask the trading desk whether the trade was cancelled",
            "If so: cancel our instruction; if not: ask the counterparty to instruct again",
        ),
    ),
    Playbook(
        "cover_position",
        "Find the securities",
        (
            "Check the position over all depositories and realign where it is held elsewhere",
            "Borrow, or recall what is on loan",
            "Offer a partial settlement for what is there",
            "Tell the counterparty when the rest will be delivered",
        ),
    ),
    Playbook(
        "fund_account",
        "Find the cash",
        (
            "Check the cash forecast and the credit line in the settlement currency",
            "Fund the cash account before the cut-off, or ask for a partial settlement",
        ),
    ),
    Playbook(
        "chase_securities",
        "Chase the counterparty for securities",
        (
            "Ask the counterparty for the cause and a delivery date",
            "Accept a partial settlement where it helps an onward delivery",
            "Warn the desk of onward deliveries; consider a borrow",
        ),
    ),
    Playbook(
        "chase_cash",
        "Chase the counterparty for cash",
        ("Ask the counterparty when the cash account will be funded", "Keep the securities reserved until the cut-off"),
    ),
    Playbook(
        "release_instruction",
        "Release or relink our instruction",
        (
            "Find out why the instruction is on hold or waits for another",
            "Release it, or ask for the linked one to settle first",
        ),
    ),
    Playbook(
        "chase_release",
        "Chase the counterparty's release",
        ("Ask the counterparty to release its instruction before the cut-off",),
    ),
    Playbook(
        "late_instruction",
        "Ask for best efforts",
        (
            "Ask the custodian to process on a best-effort basis today",
            "Else agree a new settlement date or accept the penalty",
            "Record why the instruction was late",
        ),
    ),
    Playbook(
        "send_documents",
        "Send the documents",
        ("Ask the custodian which documents or details are missing", "Send them, and ask for a receipt"),
    ),
    Playbook(
        "chase_documents",
        "Chase the counterparty's documents",
        ("Ask the counterparty which documents are outstanding and when they will be there",),
    ),
    Playbook(
        "resolve_refusal",
        "Clear up a refusal",
        (
            "Ask the counterparty why it refuses or does not know the trade",
            "Send the confirmation; involve the trading desk if the trade itself is disputed",
        ),
    ),
    Playbook(
        "unblock",
        "Have a block lifted",
        ("Ask the custodian who placed the block on the account or the securities, and why", "Provide what lifts it"),
    ),
    Playbook(
        "handle_buy_in",
        "Handle a buy-in",
        (
            "Find out who started the buy-in and its deadlines",
            "Deliver before the execution date, or agree on the cash compensation",
        ),
    ),
    Playbook(
        "follow_market",
        "Follow the market event",
        (
            "Ask the custodian for the event's timetable (corporate action, issue, amendment)",
            "Set a reminder for its end; nothing else can be done now",
        ),
    ),
    Playbook("monitor", "Nothing to do now", ("Nothing fails: watch the next status",)),
    Playbook(
        "manual_review",
        "A person reads it",
        (
            "Read the narrative and the raw message",
            "Ask the custodian for the reason code, and add it to the table if it comes again",
        ),
    ),
)

PLAYBOOKS = MappingProxyType({playbook.id: playbook for playbook in _ALL})
