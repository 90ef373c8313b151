"""Settings of the local stack: environment, env file, defaults."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tradewind_local import repository
from tradewind_local.settings import DEFAULT_HOME, LocalSettings, env_file_of


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the developer's shell sets."""
    for name in ("HOME", "KAFKA_PORT", "AIRFLOW_PORT", "AGENTS_PORT", "API_PORT", "CACHE_DIR"):
        monkeypatch.delenv(f"TRADEWIND_{name}", raising=False)
    for name in ("FASTAPI_PORT", "LANGGRAPH_PORT", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_the_documented_ports(tmp_path: Path) -> None:
    settings = LocalSettings.load(tmp_path)
    assert (settings.api_port, settings.agents_port, settings.airflow_port, settings.kafka_port) == (
        8000,
        8001,
        8080,
        9092,
    )
    assert settings.kafka_bootstrap_servers is None
    assert settings.cache_dir == repository.ROOT / ".local" / "cache"


def test_the_env_file_sets_what_the_environment_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("TRADEWIND_KAFKA_PORT=19092\nFASTAPI_PORT=18000\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("FASTAPI_PORT", "28000")
    settings = LocalSettings.load(tmp_path)
    assert (settings.kafka_port, settings.api_port) == (19092, 28000)


def test_the_services_own_variables_set_their_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGGRAPH_PORT", "0")
    monkeypatch.setenv("TRADEWIND_API_PORT", "7000")
    settings = LocalSettings.load(tmp_path)
    assert (settings.agents_port, settings.api_port) == (0, 7000)


def test_an_empty_variable_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
    monkeypatch.setenv("TRADEWIND_KAFKA_PORT", "")
    settings = LocalSettings.load(tmp_path)
    assert settings.kafka_bootstrap_servers is None
    assert settings.kafka_port == 9092


def test_the_home_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "named"))
    assert LocalSettings.load().home == tmp_path / "named"
    assert LocalSettings.load(tmp_path / "given").home == tmp_path / "given"


def test_the_default_homes_secrets_lie_in_the_repository() -> None:
    assert env_file_of(DEFAULT_HOME) == repository.ROOT / ".env"
    assert env_file_of(Path("/elsewhere")) == Path("/elsewhere/.env")


@pytest.mark.parametrize("port", ["-1", "65536", "eighty"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("TRADEWIND_AIRFLOW_PORT", port)
    with pytest.raises(ValidationError, match=r"airflow_port|TRADEWIND_AIRFLOW_PORT"):
        LocalSettings.load(tmp_path)
