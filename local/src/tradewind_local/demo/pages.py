"""What the demo shows: pure functions from runs to tables."""

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tradewind_contracts.workflows import RunStatus
from tradewind_local.demo.runs import DemoRun

COLOURS = {RunStatus.SUCCEEDED: "green", RunStatus.FAILED: "red", RunStatus.REJECTED: "red"}
SHOWN_BREAKS = 8


def progress(runs: list[DemoRun]) -> Table:
    """The current state of the runs."""
    table = Table("run", "workflow_run_id", "status", "done", box=None, pad_edge=False)
    for run in runs:
        word = run.status.status if run.status else RunStatus.TRIGGERED
        share = run.status.progress if run.status else 0.0
        coloured = Text(word, COLOURS.get(word, "yellow"))
        table.add_row(f"{run.title} by {run.door}", Text(run.run_id, no_wrap=True), coloured, f"{share:.0%}")
    return table


def result(run: DemoRun) -> RenderableType:
    """A run's result, or why it has no result."""
    if run.status is None or not run.succeeded:
        why = run.status.error if run.status and run.status.error else "it did not end in time"
        return Panel(
            Text(f"{run.title}: {why}\nLogs: make status names the parts; see .local/logs"), border_style="red"
        )
    show = _triage if run.workflow_id == "settlement_fail_triage" else _reconciliation
    return Panel(show(dict(run.status.result or {})), title=run.title, title_align="left")


def addresses(environment: dict[str, str]) -> RenderableType:
    """Where to look around, and as whom."""
    table = Table.grid(padding=(0, 2))
    api = environment["TRADEWIND_API_URL"]
    table.add_row("API", f"{api}/docs", "callers' tokens: API_TOKENS in .env")
    table.add_row("Airflow", environment["AIRFLOW_BASE_URL"], f"admin / {environment['AIRFLOW_ADMIN_PASSWORD']}")
    table.add_row("Agents", environment["LANGGRAPH_BASE_URL"], "token: LANGGRAPH_TOKEN in .env")
    table.add_row("Kafka", environment["KAFKA_BOOTSTRAP_SERVERS"], "topics workflow-events, workflow-status")
    return Panel(table, title="Look around; Ctrl-C stops it all", title_align="left")


def _triage(found: dict[str, Any]) -> RenderableType:
    penalty = found["penalty_estimate"]
    amount = f"{penalty['amount']} {penalty['currency']}" if penalty["amount"] else "none"
    table = Table.grid(padding=(0, 2))
    table.add_row("owner", Text(found["owner"], "bold"))
    table.add_row("priority", f"{found['priority']} of 10: {'; '.join(found['reasons'])}")
    table.add_row("penalty", f"{amount} ({penalty['basis']})")
    table.add_row("playbook", found["playbook"]["title"])
    for number, step in enumerate(found["playbook"]["steps"], start=1):
        table.add_row("", f"{number}. {step}")
    return table


def _reconciliation(found: dict[str, Any]) -> RenderableType:
    figures = found["summary"]
    head = (
        f"{figures['our_rows']} rows against {figures['their_rows']}: {figures['matched']} matched, "
        f"{figures['toleranced']} within tolerance, {figures['breaks']} breaks"
    )
    table = Table("break", "reason", "at risk", "age", "owner", "ours / theirs", box=None, pad_edge=False)
    for one in found["breaks"][:SHOWN_BREAKS]:
        table.add_row(
            one["break_type"],
            one["reason_code"],
            Text(f"{one['amount_at_risk']} {one['currency']}", justify="right", no_wrap=True),
            f"{one['age_days']} d",
            one["owner"],
            f"{one.get('our_value', '-')} / {one.get('their_value', '-')}",
        )
    more = max(0, figures["breaks"] - SHOWN_BREAKS)
    return Group(head, table, f"and {more} more: {found['files']['breaks']}")
