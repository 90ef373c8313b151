"""How the sample's two files look: ours as our system exports it, the custodian's as a custodian's report arrives."""

import csv
import io
import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

OURS = ["Trade ID", "Account", "ISIN", "Security", "Side", "Quantity", "Price", "Currency", "Net Money",
        "Trade Date", "Settlement Date", "Counterparty BIC", "Trader"]  # fmt: skip
THEIRS = ["Safekeeping Acct", "Client Ref.", "ISIN Code", "Description", "R/D", "Nominal", "Deal Price",
          "Settlement Ccy", "Settlement Amount", "Trade Date", "Contractual Settlement Date", "PSET",
          "Status"]  # fmt: skip

PREAMBLE = [
    "SETTLEMENT INSTRUCTIONS - DAILY STATEMENT;;;",
    "Client: TRADEWIND DEMO FUND;;;",
    "As of 20.11.2026 18:00;;;",
    "",
]


@dataclass(frozen=True)
class Row:
    """A trade as one side books it."""

    trade_id: str
    isin: str
    name: str
    side: str
    quantity: int
    price: Decimal
    currency: str
    net_money: Decimal
    trade_date: date
    settlement_date: date


Numbered = list[tuple[int, Row]]
"""Rows, each with the number of the plant it belongs to."""


def shuffled(rows: Numbered, chance: random.Random) -> Numbered:
    """Return the rows in an order that tells nothing."""
    mixed = list(rows)
    chance.shuffle(mixed)
    return mixed


def write_ours(path: Path, rows: Numbered, chance: random.Random) -> dict[int, list[int]]:
    """Write our file: commas, ISO days, `.` for decimals; return the lines of each trade."""
    lines = [",".join(OURS)]
    found: dict[int, list[int]] = {}
    for number, row in rows:
        lines.append(_line(_our_cells(row, chance), ","))
        found.setdefault(number, []).append(len(lines))
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return found


def _our_cells(row: Row, chance: random.Random) -> list[str]:
    # Rows that people keyed in by hand have separators of thousands and their own words.
    by_hand = chance.random() < 0.08
    quantity = f"{row.quantity:,}" if by_hand else str(row.quantity)
    side = {"buy": "B", "sell": "S"}[row.side] if by_hand else row.side.upper()
    isin = row.isin.lower() if by_hand and chance.random() < 0.5 else row.isin
    return [
        f"{row.trade_id} " if by_hand else row.trade_id, f"ACC-{chance.randint(1, 6):03d}", isin, row.name, side,
        quantity,
        f"{row.price:f}", row.currency, f"{row.net_money:,}" if by_hand else f"{row.net_money}",
        row.trade_date.isoformat(), row.settlement_date.isoformat(), "DEMOGB2LXXX", f"trader{chance.randint(1, 9)}",
    ]  # fmt: skip


def write_theirs(path: Path, rows: Numbered, chance: random.Random) -> dict[int, list[int]]:
    """Write the custodian's file: a BOM, titles, `;`, CRLF, `,` for decimals, blank lines and a trailer."""
    lines = [*PREAMBLE, ";".join(THEIRS)]
    found: dict[int, list[int]] = {}
    for number, row in rows:
        if chance.random() < 0.01:
            lines.append(";" * (len(THEIRS) - 1))
        lines.append(_line(_their_cells(row, chance), ";"))
        found.setdefault(number, []).append(len(lines))
    lines += ["", f"TRAILER;{len(rows)}"]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    return found


def _their_cells(row: Row, chance: random.Random) -> list[str]:
    isin = f"{row.isin[:2]} {row.isin[2:]}" if chance.random() < 0.05 else row.isin
    reference = row.trade_id.lower() if chance.random() < 0.05 else row.trade_id
    return [
        "DEMO-4711-EUR", reference, isin, row.name.upper(), _their_side(row.side, chance),
        _european(Decimal(row.quantity)),
        _european(row.price), row.currency, _their_amount(row, chance), f"{row.trade_date:%d.%m.%Y}",
        f"{row.settlement_date:%d.%m.%Y}", "DEMODEFFXXX", chance.choice(["PENDING", "MATCHED", ""]),
    ]  # fmt: skip


def _their_side(side: str, chance: random.Random) -> str:
    return chance.choice({"buy": ["RECE", "RECE", "Receive"], "sell": ["DELI", "DELI", "Deliver"]}[side])


def _their_amount(row: Row, chance: random.Random) -> str:
    # Money that goes out is negative; reports write that in three ways.
    amount = _european(row.net_money)
    return chance.choice([f"-{amount}", f"({amount})", f"{amount}-"]) if row.side == "buy" else amount


def _european(amount: Decimal) -> str:
    return f"{amount:,f}".translate(str.maketrans(",.", ".,"))


def _line(cells: list[str], separator: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="").writerow(cells)
    return text.getvalue()
