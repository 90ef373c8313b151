"""An Airflow prepared by the bootstrap, with FAB's users and the settings of the containers."""

import json
import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_home import ROOT
from support.bootstrapped_airflow import NASTY, BootstrappedServer
from support.servers import new_database, temporary_home
from tradewind_contracts import run_ids
from tradewind_local.env_file import GENERATED
from tradewind_local.postgres import PostgresServer

UP_TO_DATE = [
    "role TradewindReader: unchanged",
    "role TradewindIngest: unchanged",
    "user admin (Admin): unchanged",
    "user facade (TradewindReader): unchanged",
    "user ingest (TradewindIngest): unchanged",
    "connection tradewind_kafka: unchanged",
    "connection tradewind_airflow: unchanged",
]

CONNECTIONS = """
import json
from airflow.models import Connection
from airflow.utils.session import create_session
with create_session() as session:
    rows = {row.conn_id: [row.host, row.port, row.login, row.password, row.extra] for row in session.query(Connection)}
print(json.dumps(rows))
"""


def output(server: BootstrappedServer, **extra: str) -> list[str]:
    """The lines of a successful bootstrap, whose output has no secret."""
    done = server.bootstrap(**extra)
    assert done.returncode == 0, done.stderr[-3000:]
    everything = done.stdout + done.stderr
    assert not [file.name for file in server.secrets.iterdir() if file.read_text() in everything]
    return [line.removeprefix("bootstrap: ") for line in done.stdout.splitlines() if line.startswith("bootstrap: ")]


@pytest.fixture(scope="module")
def new(postgres_server: PostgresServer) -> Iterator[BootstrappedServer]:
    """One whose database is empty."""
    with temporary_home() as home:
        yield BootstrappedServer(home, new_database(postgres_server, "bootstrap"))


@pytest.fixture(scope="module")
def first(new: BootstrappedServer) -> list[str]:
    """The output of the bootstrap for an empty database."""
    return output(new)


@pytest.fixture(scope="module")
def server(new: BootstrappedServer, first: list[str]) -> Iterator[BootstrappedServer]:
    """Its API server."""
    assert first
    parse_dags(new)
    with new:
        yield new


def test_an_empty_database_is_prepared(new: BootstrappedServer, first: list[str]) -> None:
    assert first[0].startswith("database: Airflow nothing -> ")
    assert ", FAB nothing -> " in first[0]
    assert first[0].endswith(", Tradewind nothing -> 0001")
    assert first[1:] == [line.replace("unchanged", "created") for line in UP_TO_DATE]
    tables = {row["tablename"] for row in new.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert {"dag_run", "ab_user", "alembic_version_fab", "alembic_version_tradewind"} <= tables


def test_a_second_run_changes_nothing(new: BootstrappedServer, first: list[str]) -> None:
    assert first
    before = new.rows("SELECT username, password, active, changed_on FROM ab_user ORDER BY id")
    again = output(new)
    assert again[0].count("stays at") == 3
    assert again[1:] == UP_TO_DATE
    assert new.rows("SELECT username, password, active, changed_on FROM ab_user ORDER BY id") == before
    assert {row["username"] for row in before} == {"admin", "facade", "ingest"}


def test_changed_settings_are_applied(server: BootstrappedServer) -> None:
    server.rows("UPDATE ab_user SET active = false WHERE username = 'ingest'")
    server.rows(
        "UPDATE ab_user_role SET role_id = (SELECT id FROM ab_role WHERE name = 'Admin')"
        " WHERE user_id = (SELECT id FROM ab_user WHERE username = 'ingest')"
    )
    # A right too many and one too few.
    server.rows(
        "UPDATE ab_permission_view_role SET role_id = (SELECT id FROM ab_role WHERE name = 'TradewindReader')"
        " WHERE role_id = (SELECT id FROM ab_role WHERE name = 'TradewindIngest') AND permission_view_id IN"
        " (SELECT v.id FROM ab_permission_view v JOIN ab_permission p ON p.id = v.permission_id"
        " WHERE p.name = 'can_create')"
    )
    before, after = server.passwords["facade"], "what somebody wrote into .env"
    server.write("airflow_password", after)
    server.write("kafka_client_config", '{"sasl.password": "the broker\'s own"}')
    assert output(server)[1:] == [
        "role TradewindReader: rights reset",
        "role TradewindIngest: rights reset",
        "user admin (Admin): unchanged",
        "user facade (TradewindReader): password reset",
        "user ingest (TradewindIngest): role reset",
        "connection tradewind_kafka: updated",
        "connection tradewind_airflow: unchanged",
    ]
    server.passwords["facade"] = after
    assert [login(server, "facade", password).status_code for password in (before, after)] == [401, 201]
    stored = str(server.rows("SELECT password, extra FROM connection"))
    assert not [secret for secret in (NASTY, "the broker's own") if secret in stored]


def login(server: BootstrappedServer, user: str, password: str) -> httpx.Response:
    return httpx.post(f"{server.url}/auth/token", json={"username": user, "password": password}, timeout=60)


ANYBODY = {
    "/tradewind/workflows": 200,
    "/tradewind/workflows/runs": 200,
    "/tradewind/workflows/changes": 200,
    "/api/v2/dags": 200,
}
"""What each of the three users reads."""


@pytest.mark.parametrize("user", ["admin", "facade", "ingest"])
def test_each_user_can_read(server: BootstrappedServer, user: str) -> None:
    headers = {"authorization": f"Bearer {server.token(user)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        assert {path: client.get(path).status_code for path in ANYBODY} == ANYBODY


@pytest.mark.parametrize(
    ("user", "outcome", "single", "steered", "connections"),
    [
        ("admin", "created", 202, 202, 200),
        ("ingest", "created", 202, 202, 403),
        ("facade", "forbidden", 403, 403, 403),
    ],
)
def test_which_users_create_and_command_runs(
    server: BootstrappedServer, user: str, outcome: str, single: int, steered: int, connections: int
) -> None:
    run_id = run_ids.new()
    item = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}, "workflow_run_id": run_id}
    with server.client("ingest") as maker, server.client(user) as client:
        batch = client.post("/workflows/trigger/batch", json={"items": [item]})
        assert [one["outcome"] for one in batch.json()["items"]] == [outcome]
        maker.post("/workflows/trigger/batch", json={"items": [item]})
        one = {"workflow_id": "test_free", "workflow_type": "airflow"}
        assert client.post("/workflows/trigger", json=one).status_code == single
        assert client.get(f"/workflows/{run_id}/status").json()["status"] == "queued"
        assert client.post(f"/workflows/{run_id}/priority", json={"priority": 3}).status_code == steered
        assert client.post(f"/workflows/{run_id}/cancel", json={}).status_code == steered
    headers = {"authorization": f"Bearer {server.token(user)}"}
    answer = httpx.get(f"{server.url}/api/v2/connections", headers=headers, timeout=60)
    assert answer.status_code == connections
    assert NASTY not in answer.text


@pytest.mark.parametrize("user", ["facade", "ingest"])
def test_a_program_can_neither_read_nor_delete_peoples_data(server: BootstrappedServer, user: str) -> None:
    run_id = run_ids.new()
    item = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}, "workflow_run_id": run_id}
    with server.client("ingest") as maker:
        maker.post("/workflows/trigger/batch", json={"items": [item]})
    headers = {"authorization": f"Bearer {server.token(user)}"}
    run = f"/api/v2/dags/test_free/dagRuns/{run_id}"
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        answers = [
            client.get(f"{run}/taskInstances/only/xcomEntries"),
            client.get(f"{run}/taskInstances/only/logs/1"),
            client.get("/api/v2/variables"),
            client.get("/api/v2/pools"),
            client.get("/api/v2/dagSources/test_free"),
            client.delete(run),
            client.delete("/api/v2/dags/test_free"),
        ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)


def test_a_login_is_required(server: BootstrappedServer) -> None:
    with server.client(None) as client:
        assert client.get("/workflows").status_code == 401
    assert login(server, "admin", "admin").status_code == 401


def test_no_secret_is_in_a_processs_environment_or_command_line(server: BootstrappedServer) -> None:
    secrets = [file.read_bytes().split(b"\n")[0] for file in server.secrets.iterdir()]
    for name in ("environ", "cmdline"):
        with open(f"/proc/{server.pid}/{name}", "rb") as file:  # noqa: PTH123  # pathlib reads a size that /proc lacks
            shown = file.read()
        assert shown
        assert not [secret for secret in secrets if secret in shown]


def test_a_component_is_healthy_while_it_has_heartbeats(server: BootstrappedServer) -> None:
    quick = {"AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD": "8", "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1"}
    code, said, _ = server.health("DagProcessorJob")
    assert (code, said) == (1, "no DagProcessorJob runs on this host\n")
    process = server.part("dag-processor", **quick)
    try:
        code, said, cpu = server.until_healthy("DagProcessorJob", 120, **quick)
        assert (code, said) == (0, "")
        assert cpu < 0.3
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    server.rows(
        "UPDATE job SET latest_heartbeat = latest_heartbeat - interval '9 s' WHERE job_type = 'DagProcessorJob'"
    )
    code, said, _ = server.health("DagProcessorJob", **quick)
    assert code == 1
    assert "latest heartbeat is" in said
    assert "(limit 8 s)" in said


def test_the_server_is_healthy_while_it_responds(server: BootstrappedServer) -> None:
    code, said, cpu = server.health(f"{server.url}/api/v2/version")
    assert (code, said) == (0, "")
    assert cpu < 0.3


def test_a_new_fernet_key_encrypts_the_connections_again(new: BootstrappedServer, first: list[str]) -> None:
    """The last test that needs the API server, which has the old key."""
    assert first
    new.write("airflow_fernet_key", GENERATED["AIRFLOW__CORE__FERNET_KEY"]())
    assert output(new)[6:] == [line.replace("unchanged", "updated") for line in UP_TO_DATE[5:]]
    readable = json.loads(new.python(CONNECTIONS).splitlines()[-1])
    assert readable["tradewind_airflow"][2:4] == ["ingest", new.passwords["ingest"]]
    assert json.loads(readable["tradewind_kafka"][4])["bootstrap.servers"] == "kafka:19092"


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("AIRFLOW_PASSWORD", "short", "AIRFLOW_PASSWORD (or the secret airflow_password): "),
        ("TRADEWIND_SECRETS_DIR", "/nowhere", "AIRFLOW_ADMIN_PASSWORD (or the secret airflow_admin_password): "),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////tmp/x.db", "is not the URL of a PostgreSQL database"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://me:hush@127.0.0.1:1/x", "Connection refused"),
        ("AIRFLOW__CORE__FERNET_KEY_CMD", "tradewind-secret not_there", "tradewind-secret not_there"),
    ],
)
def test_a_failure_is_one_clear_line(
    new: BootstrappedServer, first: list[str], variable: str, value: str, reason: str
) -> None:
    assert first
    program = str(ROOT / "airflow" / "docker" / "tradewind-secret")
    done = new.bootstrap(**{variable: value.replace("tradewind-secret", program), "DATABASE_PATIENCE": "0"})
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("bootstrap failed: ")]
    assert len(lines) == 1
    assert reason in lines[0].replace(program, "tradewind-secret")
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
