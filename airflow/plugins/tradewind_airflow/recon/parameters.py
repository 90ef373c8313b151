"""The run's parameters: the models, and their JSON Schema for the DAG's Params.

The schemas are written out, without `$ref`, as they are shown in forms and put into other documents.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tradewind_airflow.recon.cells import BlotterFormat
from tradewind_airflow.recon.ownership import TheirRole
from tradewind_airflow.recon.tolerances import Tolerances

FilePath = Annotated[str, Field(min_length=1, max_length=400)]


class Parameters(BaseModel):
    """The parameters of a run of `recon_break_resolution`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    our_blotter: FilePath
    their_blotter: FilePath
    their_role: TheirRole = "custodian"
    our_format: BlotterFormat = BlotterFormat()
    their_format: BlotterFormat = BlotterFormat()
    tolerances: Tolerances = Tolerances()
    as_of: date | None = None
    fx_rates: dict[str, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)


def _format_schema(whose: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "title": f"{whose} file's format",
        "properties": {
            "decimal_mark": {"type": "string", "enum": [".", ","], "default": "."},
            "date_format": {
                "type": "string",
                "enum": ["YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "YYYYMMDD", "DD-MON-YYYY"],
                "default": "YYYY-MM-DD",
            },
        },
    }


def _tolerance_schema(unit: str, *types: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["tolerance"],
        "properties": {
            "tolerance": {
                "type": ["string", "number"],
                "minimum": 0,
                "pattern": r"^[0-9]{1,12}(\.[0-9]{1,8})?$",
                "description": f"Per cent, or {unit}; inclusive",
            },
            "tolerance_type": {"type": "string", "enum": list(types), "default": "fixed"},
        },
    }


_PATH: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 400, "pattern": r"\.csv$"}

SCHEMAS: dict[str, dict[str, Any]] = {
    "our_blotter": {**_PATH, "title": "Our blotter", "examples": ["2026-11-20/our_blotter.csv"]},
    "their_blotter": {**_PATH, "title": "Their blotter", "examples": ["2026-11-20/custodian_blotter.csv"]},
    "their_role": {"type": "string", "enum": ["custodian", "counterparty"], "title": "Who they are"},
    "our_format": _format_schema("Our"),
    "their_format": _format_schema("Their"),
    "tolerances": {
        "type": "object",
        "additionalProperties": False,
        "title": "Tolerances",
        "properties": {
            "price": _tolerance_schema("the price's currency", "percentage", "fixed"),
            "quantity": _tolerance_schema("units", "percentage", "fixed"),
            "net_money": _tolerance_schema("the trade's currency", "percentage", "fixed"),
            "settlement_date": _tolerance_schema("calendar days", "fixed"),
        },
    },
    "as_of": {"type": ["string", "null"], "format": "date", "title": "As of"},
    "fx_rates": {
        "type": "object",
        "title": "Exchange rates",
        "propertyNames": {"pattern": "^[A-Z]{3}$"},
        "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
        "maxProperties": 200,
        "examples": [{"USD": 0.86, "GBP": 1.14}],
    },
}
"""Parameter name -> JSON Schema (draft 2020-12)."""

DESCRIPTIONS = {
    "our_blotter": "Our trades: a CSV file below the data folder, its path relative to that folder.",
    "their_blotter": "Their trades: a CSV file likewise.",
    "their_role": "Whose file the other one is. A counterparty's sides are mirrored: our buy is its sell.",
    "our_format": "Number and date format of our file.",
    "their_format": "Number and date format of their file.",
    "tolerances": "Tolerances within which values count as equal. A field left out has its default.",
    "as_of": "The day from which breaks are aged (YYYY-MM-DD); the day of the run by default.",
    "fx_rates": "Value of a unit of each currency in the one to rank by. A currency without a rate counts as 1.",
}

DEFAULTS: dict[str, Any] = Parameters(our_blotter="-", their_blotter="-").model_dump(
    mode="json", exclude={"our_blotter", "their_blotter"}
)
"""The parameters' default values; the two files have none."""
