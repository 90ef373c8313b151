"""docker-compose.yml, as the real Compose reads it: what each service keeps to, what waits for what, the secrets."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from support.compose_rules import BIND, RULES, Service, broken, is_job, megabytes
from tradewind_agents.settings import Settings as AgentsSettings
from tradewind_api.settings import Settings as ApiSettings
from tradewind_local.env_file import FOR_COMPOSE, GENERATED, OPTIONAL, complete
from tradewind_local.monitoring import tools

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
BAD = ROOT / "tests" / "data" / "compose" / "bad.yml"
TEXT = FILE.read_text()
SOURCE: dict[str, Any] = yaml.safe_load(TEXT)
PROFILES: dict[str, set[str]] = {
    "monitoring": {
        "prometheus", "alertmanager", "grafana", "kafka-exporter", "node-exporter", "blackbox-exporter",
    },
    "llm": {"ollama", "ollama-pull"},
}  # fmt: skip
CORE = {
    "postgres", "postgres-init", "kafka", "kafka-init", "statsd-exporter", "fastapi", "langgraph-service",
    "airflow-init", "airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer",
}  # fmt: skip
ASK_WHO_IS_THERE = {"fastapi", "langgraph-service", "airflow-apiserver", "grafana"}

Compose = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def compose() -> Compose:
    """Run Compose on a file with the variables of an env file and no others."""
    # The first use on a machine builds it.
    program = tools.ensure(["docker-compose"])["docker-compose"]

    def run(env_file: Path, *arguments: str, file: Path = FILE) -> subprocess.CompletedProcess[str]:
        command = [str(program), "--file", str(file), "--env-file", str(env_file), *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(env_file.parent)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make env` writes, with another address to bind to, and no profile."""
    file = tmp_path_factory.mktemp("compose") / ".env"
    file.write_text(f"TRADEWIND_BIND={BIND}\nCOMPOSE_PROFILES=\n")
    complete(file, FOR_COMPOSE)
    return file


@pytest.fixture(scope="session")
def services(compose: Compose, env_file: Path) -> dict[str, Service]:
    """Every service of every profile, as Compose understood it."""
    run = compose(env_file, "--profile", "*", "config", "--format", "json")
    assert run.returncode == 0, run.stderr
    found: dict[str, Service] = json.loads(run.stdout)["services"]
    return found


pytestmark = pytest.mark.timeout(1200)


@pytest.mark.parametrize("profiles", [(), ("core",), *((name,) for name in PROFILES), tuple(PROFILES)], ids="+".join)
def test_it_is_sound_in_every_profile(profiles: tuple[str, ...], compose: Compose, env_file: Path) -> None:
    chosen = [part for name in profiles for part in ("--profile", name)]
    run = compose(env_file, *chosen, "config", "--format", "json")
    assert (run.returncode, run.stderr) == (0, "")
    wanted = CORE.union(*(PROFILES.get(name, set()) for name in profiles))
    assert set(json.loads(run.stdout)["services"]) == wanted


def test_every_service_keeps_to_every_rule(services: dict[str, Service]) -> None:
    assert set(services) == CORE.union(*PROFILES.values())
    assert list(broken(services)) == []


def test_every_rule_can_be_broken(compose: Compose, env_file: Path) -> None:
    run = compose(env_file, "config", "--format", "json", file=BAD)
    assert run.returncode == 0, run.stderr
    found = list(broken(json.loads(run.stdout)["services"]))
    wrong = set(yaml.safe_load(BAD.read_text())["services"]) - {"good"}
    assert {name for name, _ in found} == wrong
    assert [(name, rule) for name, rule in found if not name.startswith(rule)] == []
    assert {rule for _, rule in found} == set(RULES)


def test_what_asks_nobody_who_is_there_stays_on_this_machine(services: dict[str, Service]) -> None:
    addresses = {name: {port["host_ip"] for port in service.get("ports", [])} for name, service in services.items()}
    assert {name for name, found in addresses.items() if BIND in found} == ASK_WHO_IS_THERE


def test_the_way_out_is_by_the_edge_alone() -> None:
    assert SOURCE["networks"] == {"data": {"internal": True}, "edge": None}


AIRFLOW = "airflow-apiserver"
NEEDS = {
    "postgres-init": {"postgres"},
    "kafka-init": {"kafka"},
    "airflow-init": {"postgres-init", "statsd-exporter"},
    "airflow-apiserver": {"airflow-init"},
    "airflow-scheduler": {AIRFLOW},
    "airflow-dag-processor": {AIRFLOW},
    "airflow-triggerer": {AIRFLOW, "kafka-init"},
    "langgraph-service": {"postgres-init", "kafka-init"},
    "fastapi": {"kafka-init"},
    "kafka-exporter": {"kafka-init"},
    "ollama-pull": {"ollama"},
}


def test_what_waits_for_what(services: dict[str, Service]) -> None:
    waits = {name: set(service["depends_on"]) for name, service in services.items() if service.get("depends_on")}
    assert waits == NEEDS
    assert len(list(TopologicalSorter(waits).static_order())) == len(set(waits).union(*waits.values()))
    assert CORE.isdisjoint(need for name in CORE for need in NEEDS.get(name, ()) if need not in CORE)


def test_a_job_is_waited_for_until_it_is_done_and_a_service_until_it_is_well(services: dict[str, Service]) -> None:
    conditions = {
        (name, need): row["condition"]
        for name, part in services.items()
        for need, row in part.get("depends_on", {}).items()
    }
    for (name, need), condition in conditions.items():
        wanted = "service_completed_successfully" if is_job(services[need]) else "service_healthy"
        assert condition == wanted, (name, need)


def test_the_limits_fit_the_machine_that_is_said_to_hold_them(services: dict[str, Service]) -> None:
    # Jobs end before those that wait for them begin.
    sums = {
        name: sum(megabytes(services[part]) for part in parts if not is_job(services[part]))
        for name, parts in {"core": CORE, **PROFILES}.items()
    }
    assert f"Limits of memory: {sums['core']} MB without a profile, {sums['monitoring']} MB for `monitoring`," in TEXT
    assert f"{sums['llm']} MB for `llm`" in TEXT
    # What is left is for the system and its cache.
    assert sums["core"] + sums["monitoring"] <= 7.25 * 1024
    assert sum(megabytes(services[part], "reservations") for part in CORE) <= 3 * 1024


def test_every_volume_is_declared_and_used(services: dict[str, Service]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    assert {mount["source"] for mount in mounts if mount["type"] == "volume"} == set(SOURCE["volumes"])


def test_services_of_one_image_are_built_once(services: dict[str, Service]) -> None:
    # A builder without BuildKit would build it as often as it is named, at the same time.
    ours = [service["image"] for service in services.values() if service["image"].startswith("tradewind/")]
    built = [service["image"] for service in services.values() if "build" in service]
    assert sorted(built) == sorted(set(ours))


# --- secrets and settings -------------------------------------------------------------------------------------------


def test_the_secrets_are_those_that_make_env_writes() -> None:
    assert sorted(row["environment"] for row in SOURCE["secrets"].values()) == sorted([*GENERATED, *OPTIONAL])


def test_every_secret_is_somebodys_and_is_asked_for_by_its_variable(services: dict[str, Service]) -> None:
    read = {row["source"] for service in services.values() for row in service.get("secrets", [])}
    assert read == set(SOURCE["secrets"])
    # pydantic finds a secret by the name of its variable.
    for name in ("fastapi", "langgraph-service", "kafka-init"):
        for row in services[name]["secrets"]:
            assert SOURCE["secrets"][row["source"]]["environment"].lower() == row["source"]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_compose_shows_of_its_plan_holds_no_secret(form: str, compose: Compose, env_file: Path) -> None:
    run = compose(env_file, "--profile", "*", "config", "--format", form)
    values = [row.partition("=")[2].strip("'") for row in env_file.read_text().splitlines()]
    assert run.returncode == 0, run.stderr
    assert [value for value in values if len(value) > 20 and value in run.stdout] == []


@pytest.mark.parametrize("name", [*GENERATED, *OPTIONAL])
def test_it_does_not_start_without_a_variable(name: str, compose: Compose, env_file: Path, tmp_path: Path) -> None:
    lacking = tmp_path / ".env"
    lacking.write_text("".join(row for row in env_file.read_text().splitlines(True) if not row.startswith(f"{name}=")))
    run = compose(lacking, "up", "--detach")
    assert run.returncode != 0
    assert f"required variable {name} is missing a value: run `make env`" in run.stderr
    lacking.write_text(lacking.read_text() + f"{name}=\n")
    assert (compose(lacking, "config", "--quiet").returncode == 0) == (name in OPTIONAL)


def test_an_empty_file_is_told_of_every_variable_at_once(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    run = compose(tmp_path / ".env", "up", "--detach")
    assert set(re.findall(r"required variable (\w+) is missing", run.stderr)) == {*GENERATED, *OPTIONAL}


def test_the_example_lists_every_variable() -> None:
    example = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", TEXT)) | {row["environment"] for row in SOURCE["secrets"].values()}
    asked |= {name for row in SOURCE["services"].values() for name, value in _environment(row).items() if value is None}
    assert asked - example == set()


@pytest.mark.parametrize(
    ("service", "settings"), [("fastapi", ApiSettings), ("langgraph-service", AgentsSettings)], ids=["api", "agents"]
)
def test_every_setting_reaches_its_service(service: str, settings: type[ApiSettings | AgentsSettings]) -> None:
    row = SOURCE["services"][service]
    prefix = str(settings.model_config.get("env_prefix", ""))
    names = {str(field.validation_alias or f"{prefix}{name}").upper() for name, field in settings.model_fields.items()}
    secret = {SOURCE["secrets"][name]["environment"] for name in row["secrets"]}
    # In a container the image says where to listen.
    own = {"FASTAPI_HOST", "FASTAPI_PORT", "LANGGRAPH_HOST", "LANGGRAPH_PORT"}
    assert set(_environment(row)) | secret | (own & names) == names


def test_the_plugins_settings_reach_airflow() -> None:
    ours = set(re.findall(r"^#? ?(AIRFLOW__TRADEWIND__\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    given = {name for name, value in _environment(SOURCE["services"]["airflow-scheduler"]).items() if value is None}
    assert given == ours != set()


def _environment(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.get("environment", {})
    return found


def test_a_service_that_two_can_be_of_takes_a_range_of_ports(compose: Compose, env_file: Path, tmp_path: Path) -> None:
    several = tmp_path / ".env"
    several.write_text(env_file.read_text() + "FASTAPI_PORT=8000-8002\n")
    run = compose(several, "config", "--format", "json")
    assert json.loads(run.stdout)["services"]["fastapi"]["ports"][0]["published"] == "8000-8002"


def test_yamllint_finds_nothing() -> None:
    paths = [str(ROOT / name) for name in ("docker-compose.yml", "containers")]
    command = [sys.executable, "-m", "yamllint", "--strict", *paths]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")
