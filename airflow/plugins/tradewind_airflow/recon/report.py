"""A reconciliation's report: the breaks by amount at risk, and the summary figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel, Field

from tradewind_airflow.recon.breaks import Break, BreakWriter
from tradewind_airflow.recon.matching import Matching, Pair


class Summary(BaseModel):
    """The figures of a run. Each row is in one pair (matched, toleranced, broken), or missing, or a duplicate."""

    our_rows: int
    their_rows: int
    matched: int = Field(description="Pairs that agree in everything")
    toleranced: int = Field(description="Pairs that differ within tolerance")
    broken: int = Field(description="Pairs that differ in a field, or in several")
    missing_ours: int
    missing_theirs: int
    duplicate_ours: int
    duplicate_theirs: int
    matched_by: dict[str, int]
    breaks: int
    breaks_by_type: dict[str, int]
    breaks_by_owner: dict[str, int]
    amount_at_risk: dict[str, str] = Field(description="Currency -> money; a pair counts once, with its largest break")
    currencies_without_rate: list[str] = Field(description="Ranked as if one unit were worth 1")


@dataclass(frozen=True)
class PairOutcome:
    """A pair and its status: `matched`, `toleranced` or `broken`."""

    pair: Pair
    status: str


@dataclass(frozen=True)
class Report:
    """The result of a run."""

    summary: Summary
    pairs: list[PairOutcome]
    breaks: list[Break]


def build(matching: Matching, words: BreakWriter, fx_rates: Mapping[str, Decimal]) -> Report:
    """Turn a matching into breaks and figures."""
    found = [(pair, words.of_pair(pair)) for pair in matching.pairs]
    pairs = [PairOutcome(pair, _status(pair, breaks, words)) for pair, breaks in found]
    groups = [breaks for _, breaks in found if breaks] + [[alone] for alone in _alone(matching, words)]
    breaks = sorted((one for group in groups for one in group), key=lambda one: _rank(one, fx_rates))
    return Report(_summary(matching, pairs, groups, fx_rates), pairs, breaks)


def _status(pair: Pair, breaks: list[Break], words: BreakWriter) -> str:
    if breaks:
        return "broken"
    return "matched" if words.is_equal(pair) else "toleranced"


def _alone(matching: Matching, words: BreakWriter) -> list[Break]:
    return [
        *(words.missing(trade, ours=True) for trade in matching.ours.open),
        *(words.missing(trade, ours=False) for trade in matching.theirs.open),
        *(words.duplicate(found, ours=True) for found in matching.ours.duplicates),
        *(words.duplicate(found, ours=False) for found in matching.theirs.duplicates),
    ]


def _rank(one: Break, fx_rates: Mapping[str, Decimal]) -> tuple[Decimal, int, str]:
    return (-one.amount * fx_rates.get(one.currency, Decimal(1)), -one.age_days, one.break_id)


def _summary(
    matching: Matching, pairs: list[PairOutcome], groups: list[list[Break]], fx_rates: Mapping[str, Decimal]
) -> Summary:
    ours, theirs = matching.ours, matching.theirs
    status = Counter(outcome.status for outcome in pairs)
    breaks = [one for group in groups for one in group]
    return Summary(
        our_rows=len(pairs) + len(ours.open) + len(ours.duplicates),
        their_rows=len(pairs) + len(theirs.open) + len(theirs.duplicates),
        matched=status["matched"],
        toleranced=status["toleranced"],
        broken=status["broken"],
        missing_ours=len(theirs.open),
        missing_theirs=len(ours.open),
        duplicate_ours=len(ours.duplicates),
        duplicate_theirs=len(theirs.duplicates),
        matched_by=_counts(outcome.pair.matched_by for outcome in pairs),
        breaks=len(breaks),
        breaks_by_type=_counts(one.break_type for one in breaks),
        breaks_by_owner=_counts(one.owner for one in breaks),
        amount_at_risk=_at_risk(groups),
        currencies_without_rate=sorted({one.currency for one in breaks} - set(fx_rates)),
    )


def _counts(words: Iterable[str]) -> dict[str, int]:
    return {str(word): count for word, count in sorted(Counter(words).items())}


def _at_risk(groups: list[list[Break]]) -> dict[str, str]:
    total: dict[str, Decimal] = {}
    for group in groups:
        currency = group[0].currency
        total[currency] = total.get(currency, Decimal(0)) + max(one.amount for one in group)
    return {currency: str(amount) for currency, amount in sorted(total.items())}
