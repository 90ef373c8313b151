"""Tolerances: how far two values may differ and still count as equal (FIX MatchExceptionGrp 2778, 2779)."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ToleranceType = Literal["percentage", "fixed"]


class Tolerance(BaseModel):
    """A bound, itself included. `fixed` is in the field's own unit (a price, a number of units, money, days)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tolerance: Decimal = Field(ge=0, max_digits=20)
    tolerance_type: ToleranceType = "fixed"

    def admits(self, ours: Decimal | date, theirs: Decimal | date) -> bool:
        """Whether the values agree. A percentage is of the larger one, so that it is symmetric."""
        if isinstance(ours, date) or isinstance(theirs, date):
            return _days(ours, theirs) <= self.tolerance
        limit = self.tolerance
        if self.tolerance_type == "percentage":
            limit = self.tolerance * max(ours, theirs) / 100
        return abs(ours - theirs) <= limit


def _days(ours: Decimal | date, theirs: Decimal | date) -> int:
    if isinstance(ours, date) and isinstance(theirs, date):
        return abs((ours - theirs).days)
    raise TypeError("a day is compared with a day alone")


class DayTolerance(Tolerance):
    """A number of calendar days."""

    tolerance_type: Literal["fixed"] = "fixed"


class Tolerances(BaseModel):
    """The tolerance of each field that may have one; all other fields must be equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: Tolerance = Tolerance(tolerance=Decimal(0))
    price: Tolerance = Tolerance(tolerance=Decimal("0.01"), tolerance_type="percentage")
    net_money: Tolerance = Tolerance(tolerance=Decimal("1.00"))
    settlement_date: DayTolerance = DayTolerance(tolerance=Decimal(0))

    def of(self, field: str) -> Tolerance | None:
        """Return the field's tolerance, or None where it must be equal."""
        return getattr(self, field) if field in type(self).model_fields else None
