"""Prepare Airflow's database: `python -m tradewind_airflow.bootstrap`.

Migrates the schemas of Airflow and FAB and Tradewind's indexes, and creates or updates the users and the connections.
Idempotent, and safe while Airflow is running.
"""

import sys
from collections.abc import Iterable

from pydantic import ValidationError

from tradewind_airflow.bootstrap import migration
from tradewind_airflow.bootstrap.errors import BootstrapError
from tradewind_airflow.bootstrap.settings import Settings, problems


def main() -> int:
    """Return the exit code: 0, or 1 after one line with the error and what to do."""
    try:
        settings = Settings.read()
    except ValidationError as error:
        return _failed("; ".join(problems(error)))
    try:
        _run(settings)
    except BootstrapError as error:
        return _failed(str(error))
    return 0


def _run(settings: Settings) -> None:
    _print(migration.run(settings))
    # Importing Airflow's models connects to the database, which has to be available by then.
    from airflow.exceptions import AirflowConfigException  # noqa: PLC0415  # see above

    from tradewind_airflow.bootstrap import connections, users  # noqa: PLC0415  # see above

    try:
        _print(users.write(settings))
        _print(connections.write(settings))
    except AirflowConfigException as error:
        raise BootstrapError(" ".join(str(error).split())) from error


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"bootstrap: {line}\n")


def _failed(reason: str) -> int:
    sys.stderr.write(f"bootstrap failed: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
