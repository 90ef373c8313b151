"""Writes the reconciliation sample: two blotters of a week's trading, and the breaks that were planted in them.

Deterministic: the same seed gives the same bytes. `cd tests && python -m support.recon_sample` writes `data/recon/`.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from support import recon_sample_files as files
from support.recon_sample_files import Row
from tradewind_airflow.recon.cells import check_digit

SEED = 20261120
AS_OF = date(2026, 11, 20)
PLAIN_TRADES = 800
FOLDER = Path(__file__).parents[1] / "data" / "recon"

SECURITIES = [
    ("US037833100", "Apple Inc.", "USD", "236.10", 1), ("US594918104", "Microsoft Corp", "USD", "431.55", 1),
    ("US023135106", "Amazon.com, Inc.", "USD", "198.38", 1), ("US67066G104", "NVIDIA Corp", "USD", "141.95", 1),
    ("DE000716460", "SAP SE", "EUR", "222.45", 1), ("DE000723610", "Siemens AG", "EUR", "181.30", 1),
    ("DE000840400", "Allianz SE", "EUR", "289.20", 1), ("FR000012101", "LVMH Moët Hennessy", "EUR", "588.70", 1),
    ("FR000012027", "TotalEnergies SE", "EUR", "57.92", 1), ("NL001027321", "ASML Holding N.V.", "EUR", "634.80", 1),
    ("GB000540528", "HSBC Holdings plc", "GBP", "7.234", 1), ("GB00BH4HKS3", "Vodafone Group plc", "GBP", "0.7012", 1),
    ("CH003886335", "Nestlé S.A.", "CHF", "76.58", 1), ("CH001203204", "Roche Holding AG", "CHF", "252.10", 1),
    ("JP363340000", "Toyota Motor Corp", "JPY", "2641", 1), ("SE000010865", "Ericsson; B shares", "SEK", "88.42", 1),
    ("DE000110258", "Bund 1.7% 2032", "EUR", "95.875", 100), ("FR001400HI9", "OAT 2.75% 2029", "EUR", "100.34", 100),
    ("US91282CJZ5", "T-Note 4% 02/34", "USD", "97.21875", 100), ("GB00BMBL1F7", "Gilt 1% 2032", "GBP", "79.66", 100),
]  # fmt: skip
"""ISIN without check digit, name, currency, price, and by what a price is divided (100: per cent of the nominal)."""

CENT = Decimal("0.01")
MORE = Decimal("1.01")
BEYOND_TOLERANCE = Decimal("1.50")


@dataclass(frozen=True)
class Planted:
    """What was planted: both sides' rows (several where one is told twice), the breaks, and how the pair is found."""

    ours: tuple[Row, ...]
    theirs: tuple[Row, ...]
    breaks: tuple[str, ...] = ()
    status: str = "matched"
    matched_by: str = "reference"


Plant = Callable[[Row, random.Random], Planted]


def plants() -> list[tuple[int, Plant]]:
    """Everything that is planted, and how often."""
    return [
        (PLAIN_TRADES, lambda row, _: Planted((row,), (row,))),
        (20, lambda row, r: _toleranced(row, net_money=row.net_money + Decimal(r.randint(1, 100)) * CENT)),
        (20, lambda row, r: _toleranced(row, price=row.price * (1 + Decimal(r.randint(1, 90)) / 1_000_000))),
        (25, lambda row, _: Planted((row,), (replace(row, trade_id="NONREF"),), matched_by="attributes")),
        (8, lambda row, _: _unreferenced(row, "toleranced", "tolerance", net_money=row.net_money + CENT * 37)),
        (6, lambda row, _: _unreferenced(row, "broken", "quantity", price=row.price * Decimal("1.02"))),
        (9, lambda row, r: _broken(row, "price", price=row.price * (1 + Decimal(r.randint(3, 40)) / 1000))),
        (9, lambda row, r: _broken(row, "quantity", quantity=row.quantity + 100 * r.randint(1, 9))),
        (9, lambda row, r: _broken(row, "net_money", net_money=row.net_money + Decimal(r.randint(150, 90_000)) * CENT)),
        (9, lambda row, _: _broken(row, "settlement_date", settlement_date=_business_day(row.settlement_date, 1))),
        (8, lambda row, _: _broken(row, "trade_date", trade_date=_business_day(row.trade_date, -1))),
        (8, lambda row, _: _broken(row, "side", side="sell" if row.side == "buy" else "buy")),
        (8, lambda row, _: _broken(row, "currency", currency="EUR" if row.currency != "EUR" else "USD")),
        (8, lambda row, r: _broken(row, "isin", isin=_other_isin(row.isin, r))),
        (8, lambda row, _: _mistyped(row)),
        (6, lambda row, _: _broken(row, "price net_money", price=row.price * MORE, net_money=_more_money(row))),
        (10, lambda row, _: Planted((row,), (), ("missing_theirs",))),
        (10, lambda row, _: Planted((), (row,), ("missing_ours",))),
        (8, lambda row, _: Planted((row, row), (row,), ("duplicate_ours",))),
        (8, lambda row, _: Planted((row,), (row, row), ("duplicate_theirs",))),
    ]  # fmt: skip


def _toleranced(row: Row, **changed: Decimal) -> Planted:
    return Planted((row,), (_changed(row, **changed),), status="toleranced")


def _unreferenced(row: Row, status: str, matched_by: str, **changed: Decimal) -> Planted:
    theirs = replace(_changed(row, **changed), trade_id="")
    breaks = tuple(f"{field}_mismatch" for field in changed if status == "broken")
    return Planted((row,), (theirs,), breaks, status, matched_by)


def _broken(row: Row, fields: str, **changed: object) -> Planted:
    breaks = tuple(f"{field}_mismatch" for field in fields.split())
    return Planted((row,), (_changed(row, **changed),), breaks, "broken")


def _more_money(row: Row) -> Decimal:
    # A per cent of a small trade lies within the default tolerance of net money, and would be no break.
    return max(row.net_money * MORE, row.net_money + BEYOND_TOLERANCE)


def _mistyped(row: Row) -> Planted:
    theirs = replace(row, trade_id=row.trade_id[:-2] + "X" + row.trade_id[-1])
    return Planted((row,), (theirs,), ("trade_id_mismatch",), "broken", "attributes")


def _changed(row: Row, **changed: object) -> Row:
    new = replace(row, **changed)  # type: ignore[arg-type]  # each caller names the field's type
    return replace(new, price=new.price.quantize(Decimal("0.000001")), net_money=_money(new.net_money))


def _other_isin(isin: str, chance: random.Random) -> str:
    return _isin(chance.choice([stem for stem, *_ in SECURITIES if stem != isin[:11]]))


def _isin(stem: str) -> str:
    return stem + check_digit(stem)


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _business_day(start: date, days: int) -> date:
    step = timedelta(days=1 if days > 0 else -1)
    day = start
    for _ in range(abs(days)):
        day += step
        while day.weekday() > 4:
            day += step
    return day


def _trade(number: int, chance: random.Random) -> Row:
    stem, name, currency, price, per = chance.choice(SECURITIES)
    quantity = 1000 * chance.randint(50, 5000) if per == 100 else chance.randint(20, 40_000)
    dealt = (Decimal(price) * (1 + Decimal(chance.randint(-250, 250)) / 10_000)).quantize(Decimal("0.0001"))
    side = chance.choice(["buy", "sell"])
    gross = quantity * dealt / per
    traded = _business_day(AS_OF, -chance.randint(1, 5))
    return Row(
        trade_id=f"TW{traded:%y%m%d}{number:05d}",
        isin=_isin(stem),
        name=name,
        side=side,
        quantity=quantity,
        price=dealt,
        currency=currency,
        net_money=_money(gross * (Decimal("1.0005") if side == "buy" else Decimal("0.9995"))),
        trade_date=traded,
        settlement_date=_business_day(traded, 1 if currency == "USD" else 2),
    )


def planted(chance: random.Random) -> Iterator[Planted]:
    """Make every trade, with what is planted in it."""
    number = 0
    for count, plant in plants():
        for _ in range(count):
            number += 1
            yield plant(_trade(number, chance), chance)


def write(folder: Path) -> None:
    """Write both blotters and the truth about them."""
    chance = random.Random(SEED)
    made = list(planted(chance))
    ours = files.shuffled([(i, row) for i, p in enumerate(made) for row in p.ours], chance)
    theirs = files.shuffled([(i, row) for i, p in enumerate(made) for row in p.theirs], chance)
    our_lines = files.write_ours(folder / "our_blotter.csv", ours, chance)
    their_lines = files.write_theirs(folder / "custodian_blotter.csv", theirs, chance)
    truth = [_truth(p, our_lines.get(i, []), their_lines.get(i, [])) for i, p in enumerate(made)]
    text = ",\n  ".join(json.dumps(entry) for entry in truth)
    (folder / "planted.json").write_text(f"[\n  {text}\n]\n")


def _truth(one: Planted, ours: list[int], theirs: list[int]) -> dict[str, object]:
    pair = {"status": one.status, "matched_by": one.matched_by} if ours and theirs else {}
    return {"our_lines": ours, "their_lines": theirs, "breaks": list(one.breaks), **pair}


if __name__ == "__main__":
    write(FOLDER)
