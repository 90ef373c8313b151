"""airflow/compose.env: what Compose and Airflow make of it."""

from pathlib import Path

from airflow.configuration import conf

from support.airflow_home import DB_MANAGER
from tradewind_local import credentials

FILE = Path(__file__).parents[3] / "airflow" / "compose.env"
ROWS = credentials.read(FILE)
PREFIX = "AIRFLOW__"


def options() -> dict[tuple[str, str], str]:
    """(section, option) -> value, of Airflow's settings."""
    own = {name.removeprefix(PREFIX).lower(): value for name, value in ROWS.items() if name.startswith(PREFIX)}
    return {(key.split("__")[0], key.split("__")[1]): value for key, value in own.items()}


def test_compose_has_nothing_to_interpolate() -> None:
    assert "$" not in FILE.read_text()
    assert not any(quote in value for value in ROWS.values() for quote in "'\"")


def test_each_option_is_airflows_own() -> None:
    unknown = []
    for section, option in options():
        known = {name for name, _ in conf.configuration_description[section]["options"].items()}
        if option.removesuffix("_cmd") not in known:
            unknown.append(f"[{section}] {option}")
    assert unknown == []


def test_an_option_differs_from_airflows_default_or_is_left_out() -> None:
    same = [name for name, value in options().items() if value == conf.get_default_value(*name)]
    assert same == []


def test_every_secret_is_a_command_that_airflow_runs() -> None:
    commands = {name: value for name, value in options().items() if name[1].endswith("_cmd")}
    assert {(section, option.removesuffix("_cmd")) for section, option in commands} <= conf.sensitive_config_values
    assert {value.split()[1] for value in commands.values()} == {
        "airflow_database_password",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "airflow_jwt_secret",
    }
    assert all(value.split()[0] == "tradewind-secret" for value in commands.values())


def test_tradewinds_indexes_are_made() -> None:
    assert options()["database", "external_db_managers"] == DB_MANAGER


def test_a_heartbeat_that_is_late_once_kills_nobody() -> None:
    found = options()
    threshold = float(found["triggerer", "triggerer_health_check_threshold"])
    assert threshold >= 4 * float(found["triggerer", "job_heartbeat_sec"])
