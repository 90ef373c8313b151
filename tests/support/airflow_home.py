"""An own, empty Airflow for a test: its environment, and Python programs run in it.

Airflow reads its configuration when it is imported, once per process. So each program gets a process, and the tests'
own process never imports Airflow for it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "airflow" / "dags"
DB_MANAGER = "tradewind_airflow.database.db_manager.TradewindDBManager"


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Return the environment of an Airflow in `home`, with our DAGs and plugins and a SQLite database."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TRADEWIND"))}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "airflow" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": DB_MANAGER,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        **extra,
    }


def migrate(env: dict[str, str]) -> None:
    """Make the metadata database."""
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], env=env, cwd="/", capture_output=True, check=True
    )


def run(program: str, env: dict[str, str], *arguments: str) -> Any:
    """Run a program and return what it printed last, as JSON; its standard error is shown when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=env, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return json.loads(done.stdout.splitlines()[-1])
