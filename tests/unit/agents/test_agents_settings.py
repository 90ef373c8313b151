"""The agents' settings: from the environment, from files, and the way to the database."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tradewind_agents.settings import Settings

TOKEN = "0123456789abcdef-token"
PASSWORD = "a p@ss'word\\of:Postgres/"
URL = "postgresql://agents@postgres/agents?application_name=tradewind"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGGRAPH_TOKEN", "LANGGRAPH_DATABASE_PASSWORD", "LANGGRAPH_HOST", "LANGGRAPH_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANGGRAPH_DATABASE_URL", URL)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")


@pytest.fixture(params=["", "\n"])
def secrets(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of the secrets' files, with and without an end of line in them."""
    for name, value in (("langgraph_token", TOKEN), ("langgraph_database_password", PASSWORD)):
        (tmp_path / name).write_text(f"{value}{request.param}")
    return tmp_path


def test_secrets_come_from_files(secrets: Path) -> None:
    settings = Settings(_secrets_dir=secrets)
    assert settings.token.get_secret_value() == TOKEN
    assert conninfo_to_dict(settings.conninfo()) == {
        "host": "postgres", "user": "agents", "dbname": "agents", "password": PASSWORD, "application_name": "tradewind",
    }  # fmt: skip


def test_the_environment_wins_over_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGGRAPH_TOKEN", "another-token-of-the-agents")
    monkeypatch.setenv("LANGGRAPH_DATABASE_PASSWORD", "another")
    settings = Settings(_secrets_dir=secrets)
    assert settings.token.get_secret_value() == "another-token-of-the-agents"
    assert conninfo_to_dict(settings.conninfo())["password"] == "another"


def test_the_password_is_in_no_text(secrets: Path) -> None:
    settings = Settings(_secrets_dir=secrets)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert PASSWORD not in text
        assert "p@ss" not in text


def test_a_url_with_its_own_password_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGGRAPH_TOKEN", TOKEN)
    url = "postgresql://agents:own@postgres/agents"
    monkeypatch.setenv("LANGGRAPH_DATABASE_URL", url)
    assert Settings().conninfo() == url


def test_it_listens_on_this_machine_alone_by_default(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_secrets_dir=secrets)
    assert (settings.host, settings.port) == ("127.0.0.1", 8001)
    monkeypatch.setenv("LANGGRAPH_PORT", "9001")
    assert Settings(_secrets_dir=secrets).port == 9001
