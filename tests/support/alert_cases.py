"""The cases of tests/ops/alert_cases as promtool's unit tests, and promtool itself."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring" / "prometheus" / "rules"
CASES = ROOT / "tests" / "ops" / "alert_cases"


@dataclass(frozen=True)
class Case:
    """Series, a value every `step` minutes, and what the alert says of them at a minute.

    `fires` is False where it has to keep quiet.
    """

    alert: str
    fires: bool
    title: str
    at: int
    series: dict[str, str]
    step: int = 1
    labels: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    description: str = ""

    def __str__(self) -> str:
        return f"{self.alert}: {'firing' if self.fires else 'quiet'}: {self.title}"

    def unit_test(self, rule: dict[str, Any]) -> dict[str, Any]:
        """The case in promtool's form, for the alert's rule: severity and runbook are as the rule has them."""
        expected = {
            "exp_labels": self.labels | rule["labels"],
            "exp_annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": rule["annotations"]["runbook_url"],
            },
        }
        look = {"eval_time": f"{self.at}m", "alertname": self.alert, "exp_alerts": [expected] if self.fires else []}
        series = [{"series": name, "values": values} for name, values in self.series.items()]
        return {"name": str(self), "interval": f"{self.step}m", "input_series": series, "alert_rule_test": [look]}


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(CASES.glob("*.yml")):
        for alert, rows in yaml.safe_load(path.read_text()).items():
            # Lower case: series that several cases share.
            if alert[0].isupper():
                yield from (_case(alert, row) for row in rows)


def _case(alert: str, row: dict[str, Any]) -> Case:
    fires = "firing" in row
    rest = {name: value for name, value in row.items() if name not in {"firing", "quiet"}}
    for values in row["series"].values():
        assert isinstance(values, str), f"{alert}: {values} must be in quotes: YAML takes 0x30 for 48"
    return Case(alert, fires, row["firing" if fires else "quiet"], **rest)


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule of every rule file, recording rules too."""
    groups = (group for path in rule_files() for group in yaml.safe_load(path.read_text())["groups"])
    return [rule for group in groups for rule in group["rules"]]


def alerts(name: str | None = None) -> list[dict[str, Any]]:
    """Every alerting rule, or those of one name."""
    return [rule for rule in rules() if "alert" in rule and name in {None, rule["alert"]}]


def rule_files() -> list[Path]:
    """The rule files."""
    return sorted(RULES.glob("*.yml"))


def files_of(alert: str) -> list[Path]:
    """The file of an alert, and the recording rules."""
    return [path for path in rule_files() if path.stem == "recording" or f"alert: {alert}\n" in path.read_text()]


def run_unit_tests(promtool: Path, folder: Path, alert: str, wanted: list[Case]) -> None:
    """Run an alert's cases; fail with what promtool says."""
    for step in sorted({case.step for case in wanted}):
        tests = [case.unit_test(_rule(case)) for case in wanted if case.step == step]
        _run(promtool, folder / f"{alert}-{step}.yml", files_of(alert), tests, step)


def _rule(case: Case) -> dict[str, Any]:
    """The rule that a case is about: an alert may have several, which differ in their labels."""
    fitting = [rule for rule in alerts(case.alert) if rule["labels"] | case.labels == case.labels | rule["labels"]]
    return fitting[0]


def _run(promtool: Path, path: Path, files: list[Path], tests: list[dict[str, Any]], step: int) -> None:
    # Without an order promtool takes a random one, and an alert may see a recorded value of a minute before; a group
    # that is not listed comes first.
    in_order = sorted(files, key=lambda file: file.stem != "recording")
    order = [group["name"] for file in in_order for group in yaml.safe_load(file.read_text())["groups"]]
    document = {
        "rule_files": [str(file) for file in files],
        "group_eval_order": order,
        "evaluation_interval": f"{step}m",
        "tests": tests,
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    run = subprocess.run([promtool, "test", "rules", path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
