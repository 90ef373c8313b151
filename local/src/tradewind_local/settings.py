"""The local stack's settings: environment variables, and the rows of its env file."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradewind_local import repository
from tradewind_local.monitoring import go_modules

Port = Annotated[int, Field(ge=0, le=65535)]
DEFAULT_HOME = repository.ROOT / ".local"
PORTS = {
    "kafka": "kafka_port",
    "airflow-api-server": "airflow_port",
    "agents": "agents_port",
    "api": "api_port",
    "statsd": "statsd_port",
    "statsd-exporter": "statsd_exporter_port",
    "kafka-exporter": "kafka_exporter_port",
    "node-exporter": "node_exporter_port",
    "blackbox-exporter": "blackbox_exporter_port",
    "alertmanager": "alertmanager_port",
    "prometheus": "prometheus_port",
}
"""The setting that holds the port of each part, and of Airflow's metrics (statsd)."""


class LocalSettings(BaseSettings):
    """Where the stack lives and which ports it takes. Port 0: a free one is chosen at the first start and remembered.

    The environment wins over the env file. TRADEWIND_HOME, TRADEWIND_CACHE_DIR and TRADEWIND_TOOLS_DIR are read from
    the environment alone.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEWIND_", frozen=True, populate_by_name=True, extra="ignore")

    home: Path = Field(
        default=DEFAULT_HOME,
        description="Folder of the stack's data, logs and configuration. From the environment alone",
    )
    cache_dir: Path = Field(
        default_factory=repository.default_cache,
        examples=[".local/cache"],
        description="Folder of Kafka's jars and start-up archive, shared by all stacks. From the environment alone",
    )
    tools_dir: Path = Field(
        default_factory=go_modules.default_tools,
        examples=["~/.cache/tradewind"],
        description="Folder of the monitoring's programs, shared by all clones. From the environment alone",
    )
    kafka_port: Port = Field(
        default=9092, description="Port of Kafka. 0 in any port: a free one is chosen at the first start and remembered"
    )
    airflow_port: Port = Field(default=8080, description="Port of Airflow's API server")
    agents_port: Port = Field(
        default=8001,
        validation_alias=AliasChoices("TRADEWIND_AGENTS_PORT", "LANGGRAPH_PORT"),
        description="Port of the agents service; for one stack among several: TRADEWIND_AGENTS_PORT",
    )
    api_port: Port = Field(
        default=8000,
        validation_alias=AliasChoices("TRADEWIND_API_PORT", "FASTAPI_PORT"),
        description="Port of the API; for one stack among several: TRADEWIND_API_PORT",
    )
    # Not the well-known 9125: whatever else listens there on this machine is left alone.
    statsd_port: Port = Field(default=0, description="UDP port to which Airflow sends its metrics")
    statsd_exporter_port: Port = Field(default=9102, description="Port of statsd_exporter, with MONITORING=1")
    kafka_exporter_port: Port = Field(default=9308, description="Port of the exporter for Kafka, with MONITORING=1")
    node_exporter_port: Port = Field(default=9100, description="Port of node_exporter, with MONITORING=1")
    blackbox_exporter_port: Port = Field(default=9115, description="Port of blackbox_exporter, with MONITORING=1")
    alertmanager_port: Port = Field(default=9093, description="Port of Alertmanager, with MONITORING=1")
    prometheus_port: Port = Field(default=9090, description="Port of Prometheus, with MONITORING=1")
    kafka_bootstrap_servers: str | None = Field(
        default=None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="host:port of a broker that runs already; the local stack then starts none",
    )
    ready_timeout: float = Field(default=120, gt=0, description="Longest wait for one part to be ready, seconds")

    @classmethod
    def load(cls, home: Path | None = None) -> Self:
        """The settings of the stack in `home`, else in TRADEWIND_HOME, else in `.local` of the repository."""
        folder = (home or Path(os.environ.get("TRADEWIND_HOME") or DEFAULT_HOME)).absolute()
        return cls(home=folder, _env_file=env_file_of(folder))

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, rows: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in rows.items() if value != ""}

    @property
    def env_file(self) -> Path:
        """The file of the stack's secrets, mode 600."""
        return env_file_of(self.home)

    @property
    def ports_file(self) -> Path:
        """The file of the ports that the stack chose."""
        return self.home / "ports.json"

    @property
    def logs(self) -> Path:
        """The folder of every part's log."""
        return self.home / "logs"


def port_variable(part: str) -> str:
    """The variable that sets a part's port."""
    return f"TRADEWIND_{PORTS[part].upper()}"


def env_file_of(home: Path) -> Path:
    """`.env` of the repository for the default home, else of the home itself."""
    return (repository.ROOT if home == DEFAULT_HOME else home) / ".env"
