"""A database with many runs, and what Postgres plans for the statements that a server sends to it."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_COPIED = {
    "dag_run": {
        "run_id": "'many-' || n",
        "queued_at": "now() - n * interval '1 second'",
        "run_after": "now() - n * interval '1 second'",
        "start_date": "now() - n * interval '1 second'",
        "end_date": "now() - n * interval '1 second'",
        "updated_at": "now() - n * interval '1 second'",
        "state": "CASE WHEN mod(n, 1000) = 0 THEN 'queued' WHEN mod(n, 50) = 0 THEN 'failed' ELSE 'success' END",
    },
    "task_instance": {
        "id": "gen_random_uuid()",
        "run_id": "'many-' || n",
        "state": "CASE WHEN mod(n, 1000) = 0 THEN NULL WHEN mod(n, 50) = 0 THEN 'failed' ELSE 'success' END",
    },
    "log": {"run_id": "'many-' || n", "dttm": "now() - n * interval '1 second'"},
}
"""Table -> what differs from the copied row, in SQL over `n`; the order is that of their foreign keys."""


_COPY = sql.SQL("INSERT INTO {0} ({1}) SELECT {2} FROM {0} t, generate_series(%s::int, %s::int) n WHERE t.run_id = %s")


def multiply(database_url: str, run_id: str, last: int, first: int = 1) -> None:
    """Copy a run, with its task instances and audit rows, as `many-<first>` to `many-<last>`, back in time."""
    with psycopg.connect(database_url, autocommit=True) as database:
        # What is copied is sound: its foreign keys need no looking after.
        database.execute("SET session_replication_role = replica")
        for table, changes in _COPIED.items():
            columns = _columns(database, table) - ({"id"} - changes.keys())
            names = sql.SQL(", ").join(map(sql.Identifier, sorted(columns)))
            values = sql.SQL(", ").join(
                sql.SQL(changes[name]) if name in changes else sql.Identifier("t", name) for name in sorted(columns)
            )
            database.execute(_COPY.format(sql.Identifier(table), names, values), [first, last, run_id])
        database.execute("VACUUM ANALYZE")


def _columns(database: psycopg.Connection[Any], table: str) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
    return {name for (name,) in database.execute(query, [table])}


class StatementLog:
    """The statements that clients of one database send, as its server writes them down before it runs them."""

    _ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)
    _STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)
    _PARAMETERS = re.compile(r"DETAIL:  Parameters: (.*)", re.DOTALL)
    _PARAMETER = re.compile(r"\$(\d+) = ('(?:[^']|'')*'|NULL)")
    _PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

    def __init__(self, database_url: str, server_log: Path) -> None:
        self._url = database_url
        self._file = server_log
        with psycopg.connect(database_url, autocommit=True) as database:
            name = sql.Identifier(database.info.dbname)
            database.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(name))
            # Who was connected before that would go on unheard.
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def position(self) -> int:
        """Where the log ends now."""
        return self._file.stat().st_size

    def since(self, position: int) -> list[str]:
        """The statements from `position` on that have a plan, their parameters put in."""
        with self._file.open() as file:
            file.seek(position)
            return [statement for statement in self._statements(file.read()) if statement.startswith(self._PLANNED)]

    def _statements(self, text: str) -> Iterator[str]:
        entries = self._ENTRY.split(text)
        for entry, following in itertools.pairwise([*entries, ""]):
            if found := self._STATEMENT.search(entry):
                parameters = self._PARAMETERS.search(following)
                given = dict(self._PARAMETER.findall(parameters[1])) if parameters else {}
                yield _filled(found[1].replace("\n\t", "\n").strip(), given)

    def read_as_a_whole(self, statement: str) -> set[str]:
        """The tables of which Postgres would read every row for this statement."""
        with psycopg.connect(self._url, autocommit=True) as database:
            database.execute("SET log_statement = 'none'")
            (found,) = database.execute(b"EXPLAIN (FORMAT JSON) " + statement.encode()).fetchone() or (None,)
        plan = found if isinstance(found, list) else json.loads(str(found))
        return {node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}


def _filled(statement: str, parameters: dict[str, str]) -> str:
    # In a statement without parameters a `$1` is text.
    return re.sub(r"\$(\d+)", lambda found: parameters.get(found[1], found[0]), statement)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
