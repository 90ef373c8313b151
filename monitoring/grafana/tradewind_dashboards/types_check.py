"""`python -m tradewind_dashboards.types_check`: the dashboards against Grafana's own TypeScript types.

Needs npm, which nothing else here does, so it is a command beside `make check`. Enums are loosened to their values. The
types say nothing of what a Prometheus target holds; `tests/ops/test_dashboards.py` reads those.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tradewind_dashboards.__main__ import FOLDER

PACKAGES = ("@grafana/schema@13.2.3", "typescript@7.0.2")
KNOWN_BAD = Path(__file__).parents[3] / "tests" / "data" / "dashboards" / "known_bad.json"
CACHE = Path.home() / ".cache" / "tradewind" / "grafana-schema-13.2.3"
RAW = "@grafana/schema/dist/esm/raw"
VISUALS = {"timeseries": "TimeSeries", "stat": "Stat", "piechart": "PieChart", "table": "Table"}

_HEAD = f"""\
import type {{ Dashboard }} from "{RAW}/dashboard/x/Dashboard_types.gen";
type Loose<T> = T extends string ? `${{T}}` : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Loose<U>[] : T extends object ? {{ [K in keyof T]: Loose<T[K]> }} : T;
type Some<T> = T extends (infer U)[] ? Some<U>[] : T extends object ? {{ [K in keyof T]?: Some<T[K]> }} : T;
"""
_SETTINGS = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "skipLibCheck": True,
        "target": "es2022",
        "types": [],
    },
    "include": ["*.ts"],
}


def program(dashboard: dict[str, Any]) -> str:
    """Return TypeScript that compiles if the dashboard, and each panel's options, are of Grafana's types."""
    lines = [_HEAD]
    for kind, name in VISUALS.items():
        lines.append(f'import type * as {name} from "{RAW}/composable/{kind}/panelcfg/x/{name}PanelCfg_types.gen";\n')
    lines.append(f"export const dashboard: Loose<Dashboard> = {json.dumps(dashboard, indent=1)};\n")
    for number, panel in enumerate(dashboard["panels"]):
        if name := VISUALS.get(panel["type"], ""):
            options = json.dumps(panel.get("options", {}), indent=1)
            lines.append(f"export const options{number}: Some<Loose<{name}.Options>> = {options};\n")
        if panel["type"] == "timeseries":
            custom = json.dumps(panel["fieldConfig"]["defaults"].get("custom", {}), indent=1)
            lines.append(f"export const custom{number}: Some<Loose<{name}.FieldConfig>> = {custom};\n")
    return "".join(lines)


def faulty(paths: Iterable[Path], npm: str) -> dict[str, str]:
    """Return what the compiler says, by the name of each file that it refuses."""
    if not (CACHE / "node_modules").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        options = ["--ignore-scripts", "--legacy-peer-deps", "--omit=peer", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([npm, "install", *options, *PACKAGES], cwd=CACHE, check=True)  # noqa: S603  # all of it is ours
    for old in CACHE.glob("*.ts"):
        old.unlink()
    for path in paths:
        (CACHE / f"{path.stem}.ts").write_text(program(json.loads(path.read_text())))
    (CACHE / "tsconfig.json").write_text(json.dumps(_SETTINGS))
    run = subprocess.run(  # noqa: S603  # all of it is ours
        [str(CACHE / "node_modules" / ".bin" / "tsc"), "-p", "."],
        cwd=CACHE,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in run.stdout.splitlines() if "error TS" in line]
    if run.returncode and not errors:
        raise RuntimeError(run.stdout + run.stderr)
    return {line.partition(".ts(")[0]: line for line in reversed(errors)}


def main() -> int:
    """Check all, and that the known-bad one fails: a wrong import would let everything pass."""
    npm = shutil.which("npm")
    if npm is None:
        sys.stderr.write("npm is not on this machine; the dashboards were not checked against Grafana's types\n")
        return 1
    found = faulty([*sorted(FOLDER.glob("*.json")), KNOWN_BAD], npm)
    if not found.pop(KNOWN_BAD.stem, None):
        found[KNOWN_BAD.stem] = f"{KNOWN_BAD} passes, so nothing was checked"
    for line in found.values():
        sys.stderr.write(f"{line}\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
