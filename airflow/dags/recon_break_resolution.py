"""W2 `recon_break_resolution`: matches two blotters and classifies the breaks. The logic is in `recon/`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from tradewind_airflow.recon.folders import Folders
from tradewind_airflow.recon.parameters import DEFAULTS, DESCRIPTIONS, SCHEMAS, Parameters
from tradewind_airflow.recon.steps import Loaded, Matched, RunFiles
from tradewind_airflow.weights import RunPriority

GUIDE = """
### Reconcile our blotter with the custodian's or the counterparty's

**Before you trigger it.** Put both CSV files in the data folder (`TRADEWIND_DATA_DIR`, the same for every worker) and
give their paths relative to it. Specify the number and date format of each file: nothing is guessed. Titles before the
header, blank lines, a trailer with a row count, a BOM, and `,` `;` tab or `|` as separator are all accepted.

**What it does.** `load_ours` and `load_theirs` read and normalise; a file with errors fails at once, and the log gives
each error's line and column. `match` pairs rows by reference, then by equal attributes, then within tolerance.
`result` returns the figures and the 25 costliest breaks; `breaks.jsonl` and `pairs.csv` in the run's folder hold all.

**What to do with a break.** `owner` is who acts first, `reason_code` the ISO 20022 unmatched reason to send them, and
`evidence` the lines to check. The list is sorted by `amount_at_risk`; give `fx_rates` to compare currencies.

**Run it again** with the same files at any time: it changes nothing outside the run's own folder.
"""


def _params() -> dict[str, Param]:
    given = {name: {"default": DEFAULTS[name]} for name in DEFAULTS}
    return {
        name: Param(**given.get(name, {}), description=DESCRIPTIONS[name], **schema) for name, schema in SCHEMAS.items()
    }


@contextmanager
def _run() -> Iterator[tuple[RunFiles, Parameters, date]]:
    context = get_current_context()
    run = context["dag_run"]
    try:
        parameters = Parameters.model_validate(dict(context["params"]))
        yield RunFiles(Folders.of(os.environ), run.run_id), parameters, parameters.as_of or run.run_after.date()
    except ValueError as error:
        # A retry cannot succeed, and would only hide the message.
        raise AirflowFailException(str(error)) from error


@dag(
    dag_id="recon_break_resolution",
    dag_display_name="Reconciliation: break resolution",
    description="Match our blotter with a custodian's or counterparty's, and list the breaks by the money at risk",
    doc_md=GUIDE,
    schedule=None,
    is_paused_upon_creation=False,
    params=_params(),
    tags=["tradewind", "reconciliation"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10), "weight_rule": RunPriority()},
)
def recon_break_resolution() -> None:
    """Load both files, match them, and return the result."""

    @task(multiple_outputs=False, show_return_value_in_logs=False)
    def load_ours() -> Loaded:
        """Read and normalise our blotter."""
        with _run() as (files, parameters, _):
            return files.load_ours(parameters)

    @task(multiple_outputs=False, show_return_value_in_logs=False)
    def load_theirs() -> Loaded:
        """Read and normalise their blotter."""
        with _run() as (files, parameters, _):
            return files.load_theirs(parameters)

    @task(multiple_outputs=False, show_return_value_in_logs=False)
    def match(ours: Loaded, theirs: Loaded) -> Matched:
        """Pair the rows and write every pair and every break."""
        with _run() as (files, parameters, as_of):
            return files.match(parameters, ours, theirs, as_of)

    @task(multiple_outputs=False, show_return_value_in_logs=False)
    def result(matched: Matched) -> dict[str, Any]:
        """Return the figures and the costliest breaks."""
        with _run() as (files, _, _):
            return files.result(matched)

    # At run time these are the values; Airflow's types declare them as references (XComArg).
    matched = match(load_ours(), load_theirs())  # type: ignore[arg-type]  # as said
    result(matched)  # type: ignore[arg-type]  # as said


recon_break_resolution()
