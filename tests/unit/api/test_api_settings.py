from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from support.facade import TOKEN, facade_settings
from tradewind_api.settings import Settings

ENVIRONMENT = {
    "API_TOKENS": '{"desk": "a-token-of-the-desk"}',
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "AIRFLOW_BASE_URL": "http://127.0.0.1:8080/",
    "AIRFLOW_USERNAME": "facade",
    "AIRFLOW_PASSWORD": "a-password",
    "LANGGRAPH_BASE_URL": "http://127.0.0.1:8001",
    "LANGGRAPH_TOKEN": "a-token-of-the-facade",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CORS_ORIGINS", '["https://desk.example"]')
    environment.setenv("FASTAPI_PORT", "8123")
    settings = Settings()
    assert settings.api_tokens["desk"].get_secret_value() == TOKEN
    assert (settings.cors_origins, settings.fastapi_port) == (["https://desk.example"], 8123)
    assert (settings.events_topic, settings.environment) == ("workflow-events", "dev")
    assert str(settings.airflow_base_url).rstrip("/") == "http://127.0.0.1:8080"


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_nothing_secret_or_remote_has_a_default(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    "changes",
    [
        {"api_tokens": {}},
        {"api_tokens": {"desk": "fifteen-letters"}},
        {"api_tokens": {"desk": "a token with spaces"}},
        {"api_tokens": {"desk": "a-token-with-é-in-it"}},
        {"api_tokens": {"desk": TOKEN, "other": TOKEN}},
        {"langgraph_token": "short"},
        {"airflow_base_url": "not a url"},
        {"kafka_client_config": {"bootstrap.servers": "elsewhere:9092"}},
        {"kafka_client_config": {"plugin.library.paths": "evil.so"}},
    ],
)
def test_what_cannot_be_right_is_refused_at_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        facade_settings(**changes)


def test_secrets_are_in_no_message_and_in_no_representation() -> None:
    settings = facade_settings(kafka_client_config={"sasl.password": "the-kafka-password"})
    for secret in (TOKEN, "a-password", "a-token-of-the-facade", "the-kafka-password"):
        assert secret not in repr(settings)
    with pytest.raises(ValidationError) as raised:
        facade_settings(api_tokens={"desk": "weak-secret"})
    assert "weak-secret" not in str(raised.value)


def test_kafkas_security_comes_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_CLIENT_CONFIG", '{"security.protocol": "SASL_SSL", "sasl.password": "p"}')
    client = Settings().kafka_client()
    assert (client["security.protocol"], client["sasl.password"]) == ("SASL_SSL", "p")
    assert client["bootstrap.servers"] == "127.0.0.1:9092"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


SECRETS = ("API_TOKENS", "AIRFLOW_PASSWORD", "LANGGRAPH_TOKEN")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_secrets_come_from_files_too(environment: pytest.MonkeyPatch, tmp_path: Path, end: str) -> None:
    for name in SECRETS:
        environment.delenv(name)
        (tmp_path / name.lower()).write_bytes(f"{ENVIRONMENT[name]}{end}".encode())
    settings = Settings(_secrets_dir=tmp_path)
    assert settings.api_tokens["desk"].get_secret_value() == TOKEN
    assert settings.airflow_password.get_secret_value() == ENVIRONMENT["AIRFLOW_PASSWORD"]
    assert settings.langgraph_token.get_secret_value() == ENVIRONMENT["LANGGRAPH_TOKEN"]


@pytest.mark.usefixtures("environment")
def test_the_environment_wins_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "airflow_password").write_text("the-files-password")
    settings = Settings(_secrets_dir=tmp_path)
    assert settings.airflow_password.get_secret_value() == ENVIRONMENT["AIRFLOW_PASSWORD"]


def test_a_broken_file_is_no_way_for_its_text_to_get_out(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("API_TOKENS")
    (tmp_path / "api_tokens").write_text('{"desk": "weak-secret"}')
    with pytest.raises(ValidationError) as raised:
        Settings(_secrets_dir=tmp_path)
    assert "weak-secret" not in str(raised.value)
