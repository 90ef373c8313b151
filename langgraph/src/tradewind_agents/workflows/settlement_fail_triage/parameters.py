"""The input of a run: the message, and what the desk knows in addition."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_MESSAGE = 262_144
"""Characters."""

Amount = Annotated[Decimal, Field(gt=0, max_digits=24, decimal_places=10)]


class InstrumentClass(StrEnum):
    """The rows of the penalty table (Delegated Regulation (EU) 2017/389, annex, points 1 to 7)."""

    LIQUID_SHARES = "liquid_shares"
    ILLIQUID_SHARES = "illiquid_shares"
    SME_GROWTH_MARKET = "sme_growth_market"
    PUBLIC_DEBT = "public_debt"
    OTHER_DEBT = "other_debt"
    SME_GROWTH_DEBT = "sme_growth_debt"
    OTHER = "other"


class Parameters(BaseModel):
    """Parameters of `settlement_fail_triage`. Amounts are decimals; strings keep them exact."""

    model_config = ConfigDict(extra="forbid")

    message: str = Field(
        min_length=1, max_length=MAX_MESSAGE, description="A sese.024 (XML) or an MT548 (text), as it was received"
    )
    as_of: AwareDatetime | None = Field(default=None, description="The instant to judge from; default: now")
    cut_off: AwareDatetime | None = Field(default=None, description="Last instant to act for settlement today")
    instrument_class: InstrumentClass | None = Field(default=None, description="Decides the penalty rate")
    price: Amount | None = Field(
        default=None, description="Reference price: per unit, or in percent of the face amount"
    )
    currency: str | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="Currency of `price` and `settlement_amount`"
    )
    settlement_amount: Amount | None = Field(default=None, description="Where the message states none")
    overnight_credit_rate: Annotated[Decimal, Field(ge=-10, le=100, max_digits=8)] | None = Field(
        default=None, description="The central bank's rate for overnight credit, percent a year, for a lack of cash"
    )
    confirm_rej_reason: int | None = Field(
        default=None,
        ge=0,
        le=9999,
        description="FIX ConfirmRejReason (774), where the trade's confirmation was rejected",
    )

    def judged_at(self, now: datetime) -> datetime:
        """The instant of the assessment."""
        return self.as_of or now
