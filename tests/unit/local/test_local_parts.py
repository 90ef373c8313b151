"""What each part is given: its command and its environment."""

import json
import stat
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_agents.settings import Settings as AgentsSettings
from tradewind_api.settings import Settings as ApiSettings
from tradewind_local import env_file
from tradewind_local.layout import Layout, process_environment
from tradewind_local.parts import AIRFLOW_PARTS, ALL, Part, build, with_needs
from tradewind_local.settings import LocalSettings

SERVICE_SECRETS = {
    "api": {"API_TOKENS", "AIRFLOW_PASSWORD", "LANGGRAPH_TOKEN"},
    "agents": {"LANGGRAPH_TOKEN"},
    "postgres": set(),
    "kafka": set(),
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalSettings:
    """A stack on free ports."""
    for name in ("FASTAPI_PORT", "LANGGRAPH_PORT", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    return LocalSettings(home=tmp_path, kafka_port=0, airflow_port=0, agents_port=0, api_port=0)


@pytest.fixture
def layout(settings: LocalSettings) -> Layout:
    """Its plan."""
    return Layout(settings)


def secrets_in(part: Part, layout: Layout) -> set[str]:
    """The names of the generated secrets that a part's environment holds, in whatever variable."""
    text = json.dumps(part.environment)
    return {name for name in env_file.GENERATED if json.dumps(layout.secrets[name])[1:-1] in text}


def test_what_a_part_needs_comes_along_in_starting_order() -> None:
    assert with_needs(("airflow-triggerer",)) == ["postgres", "airflow-api-server", "airflow-triggerer"]
    assert with_needs(("api",)) == ["kafka", "api"]
    assert with_needs(ALL) == list(ALL)


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(ValueError, match=r"no such part: redis; the parts are postgres"):
        with_needs(("redis",))


def test_every_part_is_built(layout: Layout) -> None:
    assert tuple(build(layout)) == ALL


def test_no_broker_is_started_beside_one_that_runs_already(tmp_path: Path) -> None:
    layout = Layout(LocalSettings(home=tmp_path, kafka_bootstrap_servers="broker:9092", api_port=0))
    parts = build(layout)
    assert "kafka" not in parts
    assert parts["api"].environment["KAFKA_BOOTSTRAP_SERVERS"] == "broker:9092"
    connection = json.loads(parts["airflow-triggerer"].environment["AIRFLOW_CONN_TRADEWIND_KAFKA"])
    assert connection["extra"]["bootstrap.servers"] == "broker:9092"


@pytest.mark.parametrize("part", sorted(SERVICE_SECRETS))
def test_a_service_gets_its_own_secrets_alone(layout: Layout, part: str) -> None:
    assert secrets_in(build(layout)[part], layout) == SERVICE_SECRETS[part]


@pytest.mark.parametrize("part", AIRFLOW_PARTS)
def test_airflow_gets_none_of_the_services_secrets(layout: Layout, part: str) -> None:
    found = secrets_in(build(layout)[part], layout)
    assert found == {name for name in env_file.GENERATED if name.startswith("AIRFLOW__")} | {"AIRFLOW_INGEST_PASSWORD"}


def test_no_secret_is_on_a_command_line(layout: Layout) -> None:
    commands = [build(layout)[name].prepare() for name in (*AIRFLOW_PARTS, "agents", "api")]
    assert not [value for value in layout.secrets.values() if value in json.dumps(commands)]


def test_a_spec_is_readable_by_its_owner_alone(layout: Layout) -> None:
    part = build(layout)["api"]
    part.write_spec()
    assert stat.S_IMODE(part.spec.stat().st_mode) == 0o600
    assert stat.S_IMODE(part.spec.parent.stat().st_mode) == 0o700
    spec = json.loads(part.spec.read_text())
    assert spec["command"][0] == sys.executable
    assert spec["environment"] == part.environment


@pytest.mark.parametrize(("part", "service"), [("api", ApiSettings), ("agents", AgentsSettings)])
def test_each_service_can_start_from_what_it_is_given(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, part: str, service: Callable[[], object]
) -> None:
    for name, value in build(layout)[part].environment.items():
        monkeypatch.setenv(name, value)
    service()


def test_every_airflow_option_is_one_that_airflow_knows(layout: Layout) -> None:
    file = distribution("apache-airflow-core").locate_file("airflow/config_templates/config.yml")
    known = yaml.safe_load(Path(str(file)).read_text())
    rows = [name.split("__")[1:] for name in layout.airflow_environment() if name.startswith("AIRFLOW__")]
    given = [(section.lower(), option.lower()) for section, option in rows if section != "TRADEWIND"]
    strange = [(section, option) for section, option in given if option not in known[section]["options"]]
    assert len(given) > 20
    assert strange == []


def test_a_row_of_the_env_file_wins_over_the_tuning(settings: LocalSettings) -> None:
    settings.env_file.write_text("AIRFLOW__CORE__PARALLELISM=9\nOLLAMA_HOST=http://127.0.0.1:11434\n")
    parts = build(Layout(settings))
    assert parts["airflow-scheduler"].environment["AIRFLOW__CORE__PARALLELISM"] == "9"
    assert parts["agents"].environment["OLLAMA_HOST"] == "http://127.0.0.1:11434"


def test_the_shells_settings_do_not_reach_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIRFLOW__CORE__EXECUTOR", "PYTHONPATH", "API_TOKENS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "from the shell")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "example.org")
    environment = process_environment()
    assert "from the shell" not in environment.values()
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["NO_PROXY"] == "127.0.0.1,localhost,example.org"
    assert environment["PYTHONSAFEPATH"] == "1"


def test_clients_find_addresses_users_and_tokens(layout: Layout) -> None:
    environment = layout.environment()
    assert environment["TRADEWIND_API_URL"] == f"http://127.0.0.1:{layout.ports['api']}"
    assert environment["AIRFLOW_BASE_URL"] == f"http://127.0.0.1:{layout.ports['airflow-api-server']}"
    assert environment["AIRFLOW_ADMIN_PASSWORD"] == layout.secrets["AIRFLOW_ADMIN_PASSWORD"]
    assert environment["LANGGRAPH_DATABASE_URL"].startswith("postgresql://postgres@/agents?host=/")
    assert "AIRFLOW__CORE__FERNET_KEY" not in environment
