"""What the demo asks for: both workflows, by REST and by an event, on the samples of the tests."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType
from tradewind_local.repository import ROOT

SAMPLES = ROOT / "tests" / "data"
JUDGED_AT = "2026-11-20T14:30:00+01:00"
"""The samples' own day, so that the figures are the same whenever the demo runs."""

FX_RATES = {"EUR": 1, "USD": 0.86, "GBP": 1.14, "CHF": 1.07, "SEK": 0.091, "JPY": 0.0055}
"""Euros, of about that day: they order the breaks, and are part of no amount."""


@dataclass(frozen=True)
class DemoRun:
    """One run of the demo: its request, the service it is sent to, and its status."""

    title: str
    door: str
    workflow_id: str
    workflow_type: WorkflowType
    parameters: dict[str, Any]
    run_id: str = ""
    status: WorkflowStatus | None = None

    @property
    def ended(self) -> bool:
        """Whether the run will not change any more."""
        return self.status is not None and self.status.status.is_terminal

    @property
    def succeeded(self) -> bool:
        """Whether it ended well, with a result."""
        return self.status is not None and self.status.status == RunStatus.SUCCEEDED and bool(self.status.result)

    def at(self, status: WorkflowStatus) -> Self:
        """Return the run with its current status."""
        return replace(self, status=status)


def demo_runs(data: Path) -> Iterator[DemoRun]:
    """Put the blotters into the data folder of the workers; yield what is to be run."""
    _copy_blotters(data / "demo")
    yield DemoRun(
        "sese.024 fail",
        "REST",
        "settlement_fail_triage",
        WorkflowType.LANGGRAPH,
        _message("sese024_penf_lack.xml", cut_off="2026-11-20T16:00:00+01:00"),
    )
    yield DemoRun(
        "MT548 fail",
        "Kafka",
        "settlement_fail_triage",
        WorkflowType.LANGGRAPH,
        _message("mt548_several_reasons.txt"),
    )
    yield DemoRun(
        "Two blotters",
        "REST",
        "recon_break_resolution",
        WorkflowType.AIRFLOW,
        {
            "our_blotter": "demo/our_blotter.csv",
            "their_blotter": "demo/custodian_blotter.csv",
            "their_format": {"decimal_mark": ",", "date_format": "DD.MM.YYYY"},
            "as_of": JUDGED_AT[:10],
            "fx_rates": FX_RATES,
        },
    )


def _message(name: str, **more: str) -> dict[str, Any]:
    text = (SAMPLES / "settlement" / name).read_bytes().decode("utf-8")
    return {"message": text, "as_of": JUDGED_AT, "instrument_class": "liquid_shares", **more}


def _copy_blotters(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("our_blotter.csv", "custodian_blotter.csv"):
        shutil.copyfile(SAMPLES / "recon" / name, folder / name)
