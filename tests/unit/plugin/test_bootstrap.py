"""What the bootstrap decides, before any of it touches Airflow."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tradewind_airflow.bootstrap import connections, migration, users
from tradewind_airflow.bootstrap.settings import Settings, problems

SECRETS = {
    "airflow_admin_password": "admin's own secret",
    "airflow_password": "facade's own secret",
    "airflow_ingest_password": "ingest's own secret",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets' folder, and an environment that names the broker."""
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TRADEWIND_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    return tmp_path


def test_secrets_are_read_from_files_and_shown_nowhere(folder: Path) -> None:
    (folder / "kafka_client_config").write_text('{"sasl.password": "the broker\'s secret"}')
    settings = Settings.read()
    assert settings.airflow_password.get_secret_value() == "facade's own secret"
    assert settings.kafka_client_config == {"sasl.password": "the broker's secret"}
    assert "secret" not in repr(settings).replace("SecretStr", "")


def test_a_folder_that_is_not_there_is_no_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_SECRETS_DIR", str(folder / "nowhere"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name.upper(), value)
    assert Settings.read().airflow_ingest_password.get_secret_value() == "ingest's own secret"


def test_what_is_wrong_is_told_by_name_and_without_values(folder: Path) -> None:
    (folder / "airflow_password").unlink()
    (folder / "airflow_admin_password").write_text("tooshort")
    with pytest.raises(ValidationError) as raised:
        Settings.read()
    told = "; ".join(problems(raised.value))
    assert "AIRFLOW_PASSWORD (or the secret airflow_password): Field required" in told
    assert "AIRFLOW_ADMIN_PASSWORD (or the secret airflow_admin_password)" in told
    assert "tooshort" not in told + str(raised.value)


@pytest.mark.parametrize("given", ["[]", '{"a": {"b": 1}}', '{"a": null}'])
def test_kafkas_further_keys_are_a_flat_object(folder: Path, given: str) -> None:
    (folder / "kafka_client_config").write_text(given)
    with pytest.raises(ValidationError):
        Settings.read()


def test_three_users_each_with_one_role(folder: Path) -> None:
    del folder
    found = {user.name: (user.role, user.password.get_secret_value()) for user in users.wanted(Settings.read())}
    assert found == {
        "admin": ("Admin", "admin's own secret"),
        "facade": ("TradewindReader", "facade's own secret"),
        "ingest": ("TradewindIngest", "ingest's own secret"),
    }


def test_the_connections_of_the_dags(folder: Path) -> None:
    (folder / "kafka_client_config").write_text('{"security.protocol": "SASL_SSL", "bootstrap.servers": "another:1"}')
    kafka, airflow = connections.wanted(Settings.read())
    assert (kafka.conn_id, kafka.conn_type) == ("tradewind_kafka", "kafka")
    assert json.loads(kafka.extra or "") == {"security.protocol": "SASL_SSL", "bootstrap.servers": "kafka:19092"}
    assert (airflow.conn_id, airflow.conn_type, airflow.login) == ("tradewind_airflow", "http", "ingest")
    assert (airflow.host, airflow.port) == ("http://airflow-apiserver", 8080)
    assert airflow.password == "ingest's own secret"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ({}, "database: Airflow nothing -> 3, Tradewind nothing -> 1"),
        ({"Airflow": "2", "Tradewind": "1"}, "database: Airflow 2 -> 3, Tradewind stays at 1"),
    ],
)
def test_a_migration_tells_from_where_to_where(before: dict[str, str], told: str) -> None:
    assert migration.told(before, {"Airflow": "3", "Tradewind": "1"}) == told


def test_another_auth_managers_users_are_left_alone(folder: Path) -> None:
    del folder
    (line,) = users.write(Settings.read())
    assert line.startswith("users: left alone, as airflow.api_fastapi.auth.managers.simple")
