"""Who reads a variable of `.env` among the containers, by docker-compose.yml."""

import re
from collections import defaultdict

import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_reference.variables import COMPOSE

BY_COMPOSE = {"COMPOSE_PROFILES": {"all"}}
"""Read by Compose itself."""
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")


def readers() -> dict[str, set[str]]:
    """Variable of `.env` -> the services whose container changes with it; Airflow's five as `airflow-*`."""
    document = yaml.safe_load(COMPOSE)
    variables = {name: secret["environment"] for name, secret in document["secrets"].items()}
    found: dict[str, set[str]] = defaultdict(set)
    for name, service in document["services"].items():
        wanted = {variables[secret] for secret in service.get("secrets", [])}
        # A variable without a value is passed on as it is.
        wanted |= {key for key, value in service.get("environment", {}).items() if value is None}
        wanted |= set(_REFERENCE.findall(yaml.safe_dump(service)))
        for variable in wanted:
            found[variable].add(name)
    airflow = {name for name in document["services"] if name.startswith("airflow-")}
    return BY_COMPOSE | {
        variable: names - airflow | {"airflow-*"} if airflow <= names else names for variable, names in found.items()
    }
