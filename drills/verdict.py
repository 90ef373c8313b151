"""What a fault scenario leaves behind: `results/chaos-<name>.json`."""

import json
from datetime import UTC, datetime

from figures import RESULTS, Figures, machine, rounded


def write_verdict(name: str, seed: int, figures: Figures, *, passed: bool) -> None:
    """Write what was sent, what ran, what was lost or doubled, and how long the recovery took."""
    document = {
        "name": f"chaos-{name}",
        "command": f"make chaos NAME={name} SEED={seed}",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": rounded(figures),
        "met": passed,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"chaos-{name}.json").write_text(json.dumps(document, indent=2) + "\n")
