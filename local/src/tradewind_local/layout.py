"""The stack's plan: its ports, addresses, secrets, servers and each part's environment."""

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tradewind_local import credentials, env_file
from tradewind_local.airflow_config import DATABASE as AIRFLOW_DATABASE
from tradewind_local.airflow_config import AirflowConfig
from tradewind_local.kafka import KafkaNode
from tradewind_local.ports import LOOPBACK, PortBook
from tradewind_local.postgres import PostgresNode
from tradewind_local.settings import PORTS, LocalSettings

AGENTS_DATABASE = "agents"
# Ports that no user sets: a free one is chosen for each.
INNER_PORTS = ("kafka-controller", "airflow-worker-logs", "airflow-trigger-logs")
# What a part may take from the shell that runs `up`: where programs and certificates are, but no service's setting.
INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
INHERITED_SUFFIXES = ("_PROXY", "_proxy", "_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Rows of the env file that are a service's own are given to that service alone.
OWN_ROWS = (
    "AIRFLOW_",
    "ALERTMANAGER_",
    "COMPOSE_",
    "GRAFANA_",
    "POSTGRES_",
    "TRADEWIND_",
    "API_TOKENS",
    "CLUSTER",
    "LANGGRAPH_",
    "FASTAPI_",
    "KAFKA_BOOTSTRAP_SERVERS",
)


@dataclass(frozen=True)
class Layout:
    """Everything that follows from the settings. Reading a port or a secret makes it when it is not there yet."""

    settings: LocalSettings

    @cached_property
    def secrets(self) -> dict[str, str]:
        """The rows of the env file."""
        return credentials.ensure(self.settings.env_file)

    @cached_property
    def ports(self) -> dict[str, int]:
        """The port of each part that listens on one, and those within Airflow."""
        book = PortBook(self.settings.ports_file)
        configured = dict.fromkeys(INNER_PORTS, 0) | {
            part: getattr(self.settings, name) for part, name in PORTS.items()
        }
        return {part: book.port(part, port) for part, port in configured.items()}

    def url(self, part: str) -> str:
        """Where a part answers HTTP."""
        return f"http://{LOOPBACK}:{self.ports[part]}"

    @property
    def bootstrap_servers(self) -> str:
        """The stack's broker, or the one that runs already."""
        return self.settings.kafka_bootstrap_servers or self.kafka.bootstrap_servers

    @cached_property
    def kafka(self) -> KafkaNode:
        """The broker that the stack starts unless it was given one."""
        home, ports = self.settings.home, self.ports
        return KafkaNode(
            home / "kafka", self.settings.logs, self.settings.cache_dir, ports["kafka"], ports["kafka-controller"]
        )

    @cached_property
    def postgres(self) -> PostgresNode:
        """The database server of Airflow and of the agents."""
        return PostgresNode(self.settings.home / "postgres", self.settings.logs)

    @cached_property
    def airflow(self) -> AirflowConfig:
        """Airflow's configuration."""
        log_ports = (self.ports["airflow-worker-logs"], self.ports["airflow-trigger-logs"])
        return AirflowConfig(
            home=self.settings.home / "airflow",
            port=self.ports["airflow-api-server"],
            statsd_port=self.ports["statsd"],
            log_ports=log_ports,
            database=self.postgres,
            bootstrap_servers=self.bootstrap_servers,
            secrets=self.secrets,
        )

    def environment(self) -> dict[str, str]:
        """Addresses, users and secrets of the stack, by the names that its parts use: for clients and tests."""
        return (
            self.api_environment()
            | self.agents_environment()
            | {name: self.secrets[name] for name in env_file.GENERATED if not name.startswith("AIRFLOW__")}
            | {
                "TRADEWIND_API_URL": self.url("api"),
                "TRADEWIND_DATA_DIR": str(self.airflow.data),
                "AIRFLOW_DATABASE_URL": self.postgres.url(AIRFLOW_DATABASE),
            }
        )

    def airflow_environment(self) -> dict[str, str]:
        """What Airflow's four processes get."""
        shared = self._shared_rows()
        return {"AIRFLOW__TRADEWIND__ENVIRONMENT": shared["ENVIRONMENT"]} | self.airflow.environment() | shared

    def agents_environment(self) -> dict[str, str]:
        """What the agents service gets."""
        rows = self._rows("LANGGRAPH_")
        # The containers' database has a password; this stack's is behind a socket that only its user can open.
        rows.pop("LANGGRAPH_DATABASE_PASSWORD", None)
        return rows | {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "LANGGRAPH_HOST": LOOPBACK,
            "LANGGRAPH_PORT": str(self.ports["agents"]),
            "LANGGRAPH_TOKEN": self.secrets["LANGGRAPH_TOKEN"],
            "LANGGRAPH_DATABASE_URL": self.postgres.url(AGENTS_DATABASE),
        }

    def api_environment(self) -> dict[str, str]:
        """What the facade gets."""
        return self._rows("FASTAPI_") | {
            "FASTAPI_HOST": LOOPBACK,
            "FASTAPI_PORT": str(self.ports["api"]),
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "AIRFLOW_BASE_URL": self.airflow.base_url,
            "AIRFLOW_USERNAME": "facade",
            "AIRFLOW_PASSWORD": self.secrets["AIRFLOW_PASSWORD"],
            "LANGGRAPH_BASE_URL": self.url("agents"),
            "LANGGRAPH_TOKEN": self.secrets["LANGGRAPH_TOKEN"],
            "API_TOKENS": self.secrets["API_TOKENS"],
        }

    def monitoring_environment(self) -> dict[str, str]:
        """What the monitoring's programs get: the labels of whatever leaves Prometheus."""
        return {"CLUSTER": "local", "ENVIRONMENT": self._shared_rows()["ENVIRONMENT"]}

    def _rows(self, prefix: str) -> dict[str, str]:
        own = {name: value for name, value in self.secrets.items() if name.startswith(prefix)}
        return self._shared_rows() | own

    def _shared_rows(self) -> dict[str, str]:
        defaults = {"ENVIRONMENT": "dev"}
        rows = {name: value for name, value in self.secrets.items() if not name.startswith(OWN_ROWS)}
        return defaults | rows


def process_environment() -> dict[str, str]:
    """What every part's environment starts from."""
    inherited = {
        name: value for name, value in os.environ.items() if name in INHERITED or name.endswith(INHERITED_SUFFIXES)
    }
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "NO_PROXY": ",".join(filter(None, [LOOPBACK, "localhost", os.environ.get("NO_PROXY", "")])),
        # The repository's folders airflow/ and langgraph/ would hide the libraries of the same name.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        # glibc keeps an arena for each thread otherwise, which costs a service with many threads tens of megabytes.
        "MALLOC_ARENA_MAX": "2",
    }


def callers(api_tokens: str) -> dict[str, str]:
    """The facade's callers and their tokens, from API_TOKENS."""
    return dict(json.loads(api_tokens))
