"""Breaks: what two blotters do not agree on, in the industry's terms (FIX MatchExceptionGrp 2772-2780, ISO 20022).

`reason_code` is ISO 20022's UnmatchedReason (MT548 24B NMAT). Amounts and owners come from code alone.
"""

import hashlib
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from pydantic import BaseModel, Field

from tradewind_airflow.recon import ownership
from tradewind_airflow.recon.matching import Duplicate, Pair
from tradewind_airflow.recon.ownership import Owner, Parties
from tradewind_airflow.recon.tolerances import Tolerances, ToleranceType
from tradewind_airflow.recon.trades import Trade, plain

COMPARED = (
    "isin", "side", "currency", "quantity", "price", "net_money", "trade_date", "settlement_date", "trade_id",
)  # fmt: skip


class BreakType(StrEnum):
    """Every kind of break. ``missing_ours``: they have it, we do not."""

    QUANTITY = "quantity_mismatch"
    PRICE = "price_mismatch"
    NET_MONEY = "net_money_mismatch"
    SETTLEMENT_DATE = "settlement_date_mismatch"
    TRADE_DATE = "trade_date_mismatch"
    ISIN = "isin_mismatch"
    SIDE = "side_mismatch"
    CURRENCY = "currency_mismatch"
    TRADE_ID = "trade_id_mismatch"
    MISSING_OURS = "missing_ours"
    MISSING_THEIRS = "missing_theirs"
    DUPLICATE_OURS = "duplicate_ours"
    DUPLICATE_THEIRS = "duplicate_theirs"


REASON_CODES = {
    BreakType.QUANTITY: "DQUA",
    BreakType.PRICE: "DDEA",
    BreakType.NET_MONEY: "DMON",
    BreakType.SETTLEMENT_DATE: "DDAT",
    BreakType.TRADE_DATE: "DTRD",
    BreakType.ISIN: "DSEC",
    BreakType.SIDE: "DELN",
    BreakType.CURRENCY: "NCRR",
    BreakType.TRADE_ID: "IIND",
    BreakType.MISSING_OURS: "LATE",
    BreakType.MISSING_THEIRS: "CMIS",
    BreakType.DUPLICATE_OURS: "OTHR",
    BreakType.DUPLICATE_THEIRS: "OTHR",
}


class RowEvidence(BaseModel):
    """A row that shows the break: its file and line, and its fields."""

    row: str = Field(examples=["our_blotter.csv:17"])
    trade: dict[str, str]


class Break(BaseModel):
    """One difference. Amounts are decimal strings in `currency`; `age_days` are calendar days since the trade date."""

    break_id: str
    break_type: BreakType
    field: str | None = None
    our_value: str | None = None
    their_value: str | None = None
    tolerance: str | None = None
    tolerance_type: ToleranceType | None = None
    amount_at_risk: str
    currency: str
    age_days: int
    owner: Owner
    reason_code: str
    evidence: list[RowEvidence]
    text: str

    @property
    def amount(self) -> Decimal:
        """The amount at risk as a number."""
        return Decimal(self.amount_at_risk)


class BreakWriter:
    """Creates the breaks of one reconciliation, with their texts."""

    def __init__(self, parties: Parties, tolerances: Tolerances, as_of: date) -> None:
        self._parties = parties
        self._tolerances = tolerances
        self._as_of = as_of
        self._seen: dict[str, int] = {}

    def of_pair(self, pair: Pair) -> list[Break]:
        """Return the fields in which a pair disagrees beyond tolerance."""
        if pair.ours.content == pair.theirs.content:
            return []
        return [self._mismatch(pair, field) for field in COMPARED if not self._agrees(pair, field)]

    def is_equal(self, pair: Pair) -> bool:
        """Whether nothing differs except a reference that one side leaves out."""
        return pair.ours.economics == pair.theirs.economics

    def missing(self, trade: Trade, *, ours: bool) -> Break:
        """Return the break of a row that only one side has; `ours`: it is our row."""
        kind = BreakType.MISSING_THEIRS if ours else BreakType.MISSING_OURS
        having, lacking = (self._parties.us, self._parties.them) if ours else (self._parties.them, self._parties.us)
        text = f"{having} has {_named(trade)}, {lacking} has no such trade"
        return self._alone(kind, trade, [trade], ours=ours, text=text)

    def duplicate(self, found: Duplicate, *, ours: bool) -> Break:
        """Return the break of a row that repeats another."""
        kind = BreakType.DUPLICATE_OURS if ours else BreakType.DUPLICATE_THEIRS
        file = self._parties.file(ours=ours)
        text = f"{file}:{found.trade.line} gives {_named(found.trade)} again, after line {found.first.line}"
        return self._alone(kind, found.trade, [found.trade, found.first], ours=ours, text=text)

    def _agrees(self, pair: Pair, field: str) -> bool:
        ours, theirs = getattr(pair.ours, field), getattr(pair.theirs, field)
        if ours == theirs or (field == "trade_id" and not (ours and theirs)):
            return True
        tolerance = self._tolerances.of(field)
        return tolerance is not None and tolerance.admits(ours, theirs)

    def _mismatch(self, pair: Pair, field: str) -> Break:
        ours, theirs = plain(getattr(pair.ours, field)), plain(getattr(pair.theirs, field))
        tolerance = self._tolerances.of(field)
        kind = BreakType(f"{field}_mismatch")
        bound = f", beyond {plain(tolerance.tolerance)} {tolerance.tolerance_type}" if tolerance else ""
        return Break(
            break_id=self._id(kind, pair.ours, pair.theirs),
            break_type=kind,
            field=field,
            our_value=ours,
            their_value=theirs,
            tolerance=plain(tolerance.tolerance) if tolerance else None,
            tolerance_type=tolerance.tolerance_type if tolerance else None,
            amount_at_risk=_money(ownership.amount_at_risk(field, pair.ours, pair.theirs)),
            currency=pair.ours.currency,
            age_days=self._age(pair.ours, pair.theirs),
            owner=self._parties.owner(field, pair.ours, pair.theirs),
            reason_code=REASON_CODES[kind],
            evidence=[self._evidence(pair.ours, ours=True), self._evidence(pair.theirs, ours=False)],
            text=f"{field} of {_named(pair.ours)}: we say {ours}, {self._parties.them} says {theirs}{bound}",
        )

    def _alone(self, kind: BreakType, trade: Trade, rows: list[Trade], *, ours: bool, text: str) -> Break:
        says_ours = kind in {BreakType.MISSING_OURS, BreakType.DUPLICATE_OURS}
        return Break(
            break_id=self._id(kind, trade),
            break_type=kind,
            amount_at_risk=_money(trade.net_money),
            currency=trade.currency,
            age_days=self._age(trade),
            owner="us" if says_ours else self._parties.role,
            reason_code=REASON_CODES[kind],
            evidence=[self._evidence(row, ours=ours) for row in rows],
            text=text,
        )

    def _evidence(self, trade: Trade, *, ours: bool) -> RowEvidence:
        return RowEvidence(row=f"{self._parties.file(ours=ours)}:{trade.line}", trade=trade.as_row())

    def _age(self, *trades: Trade) -> int:
        return max(0, *((self._as_of - trade.trade_date).days for trade in trades))

    def _id(self, kind: BreakType, *trades: Trade) -> str:
        # The same break of the same day has the same id in every run, whatever the order of the rows.
        said = "\x1f".join([self._as_of.isoformat(), kind, *(v for t in trades for v in t.as_row().values())])
        self._seen[said] = self._seen.get(said, 0) + 1
        return hashlib.sha256(f"{said}\x1f{self._seen[said]}".encode()).hexdigest()[:20]


def _named(trade: Trade) -> str:
    return f"{trade.trade_id or 'a trade without reference'} ({trade.side} {plain(trade.quantity)} {trade.isin})"


def _money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
