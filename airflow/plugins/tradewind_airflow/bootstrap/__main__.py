"""Make Airflow's database ready: `python -m tradewind_airflow.bootstrap`.

Migrates it, with the tables of FAB and the indexes of Tradewind; makes the users; writes the connections. It may be run
as often as one likes, beside a running Airflow too: what is there stays, what differs is brought up to date.
"""

import sys
from collections.abc import Iterable

from pydantic import ValidationError

from tradewind_airflow.bootstrap import migration
from tradewind_airflow.bootstrap.errors import BootstrapError
from tradewind_airflow.bootstrap.settings import Settings, problems


def main() -> int:
    """Return the exit code: 0, or 1 after one line that says what is wrong and what to do."""
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
    _tell(migration.run(settings))
    # Airflow's models bind to the database as they are imported: not before it answers.
    from airflow.exceptions import AirflowConfigException  # noqa: PLC0415  # see above

    from tradewind_airflow.bootstrap import connections, users  # noqa: PLC0415  # see above

    try:
        _tell(users.write(settings))
        _tell(connections.write(settings))
    except AirflowConfigException as error:
        raise BootstrapError(" ".join(str(error).split())) from error


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"bootstrap: {line}\n")


def _failed(reason: str) -> int:
    sys.stderr.write(f"bootstrap failed: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
