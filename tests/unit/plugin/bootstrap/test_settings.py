"""Secrets come from files; errors name the variable and never its value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tradewind_airflow.bootstrap.settings import Settings, problems


def test_secrets_are_read_from_files_and_shown_nowhere(folder: Path) -> None:
    (folder / "kafka_client_config").write_text('{"sasl.password": "the broker\'s secret"}')
    settings = Settings.read()
    assert settings.airflow_password.get_secret_value() == "facade's own secret"
    assert settings.kafka_client_config == {"sasl.password": "the broker's secret"}
    assert "secret" not in repr(settings).replace("SecretStr", "")


def test_a_missing_folder_is_not_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_SECRETS_DIR", str(folder / "nowhere"))
    for secret in folder.iterdir():
        monkeypatch.setenv(secret.name.upper(), secret.read_text())
    assert Settings.read().airflow_ingest_password.get_secret_value() == "ingest's own secret"


def test_errors_name_the_variable_without_its_value(folder: Path) -> None:
    (folder / "airflow_password").unlink()
    (folder / "airflow_admin_password").write_text("tooshort")
    with pytest.raises(ValidationError) as raised:
        Settings.read()
    reported = "; ".join(problems(raised.value))
    assert "AIRFLOW_PASSWORD (or the secret airflow_password): Field required" in reported
    assert "AIRFLOW_ADMIN_PASSWORD (or the secret airflow_admin_password)" in reported
    assert "tooshort" not in reported + str(raised.value)


@pytest.mark.parametrize("given", ["[]", '{"a": {"b": 1}}', '{"a": null}'])
def test_the_kafka_client_config_is_a_flat_object(folder: Path, given: str) -> None:
    (folder / "kafka_client_config").write_text(given)
    with pytest.raises(ValidationError):
        Settings.read()
