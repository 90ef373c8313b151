"""What the contracts drag in, and that our folders `airflow/` and `langgraph/` hide no library."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT / "contracts" / "src" / "tradewind_contracts"
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))

# pydantic and what its wheel declares as dependencies.
ALLOWED = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}


def _python(program: str, *arguments: str) -> str:
    # cwd is the repository and `-c` puts it first on the path: the worst case for the two folders.
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_the_contracts_import_pydantic_and_the_standard_library_alone() -> None:
    modules = [f"tradewind_contracts.{path.stem}" for path in CONTRACTS.glob("*.py") if path.stem != "__init__"]
    program = (
        "import importlib, json, sys; before = set(sys.modules); [importlib.import_module(m) for m in sys.argv[1:]]; "
        "print(json.dumps(sorted({m.partition('.')[0] for m in set(sys.modules) - before})))"
    )
    loaded = set(json.loads(_python(program, *modules)))
    assert "pydantic" in loaded
    # The standard library's own build facts bear a name made from the platform's.
    others = {name for name in loaded if not name.startswith("_sysconfigdata_")}
    assert others - sys.stdlib_module_names - ALLOWED == {"tradewind_contracts"}


def test_airflow_and_langgraph_are_the_libraries() -> None:
    program = (
        "import importlib.util as u, json; "
        "print(json.dumps([u.find_spec(n).origin for n in ('airflow', 'langgraph.graph', 'langgraph.types')]))"
    )
    origins = [Path(origin) for origin in json.loads(_python(program))]
    assert all(origin.is_relative_to(SITE_PACKAGES) for origin in origins), origins


def test_no_module_is_where_it_would_hide_a_library() -> None:
    found = [path for folder in ("airflow", "langgraph") for path in (ROOT / folder).glob("*.py")]
    assert found == []
