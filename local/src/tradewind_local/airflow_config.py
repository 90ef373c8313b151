"""Airflow's configuration for a small, quick stack on one machine, as environment variables."""

import json
from dataclasses import dataclass
from pathlib import Path

from tradewind_local import credentials, repository
from tradewind_local.ports import LOOPBACK
from tradewind_local.postgres import PostgresNode

DATABASE = "airflow"
# Always on: a datagram that nobody receives costs next to nothing, and the monitoring can be added to a running stack.
METRICS = repository.ROOT / "statsd-exporter" / "airflow.env"

# Tuned for one machine and few runs: what is dead is found within seconds, and an idle process looks up often.
TUNING = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__API__EXPOSE_CONFIG": "False",
    # Tradewind's indexes on Airflow's tables, made by `airflow db migrate`.
    "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "tradewind_airflow.database.db_manager.TradewindDBManager",
    # `up` migrates before it starts them; each part would look again, at every start.
    "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
}


@dataclass(frozen=True)
class AirflowConfig:
    """What Airflow's environment is made of. `log_ports`: of the worker and the trigger log servers."""

    home: Path
    port: int
    statsd_port: int
    log_ports: tuple[int, int]
    database: PostgresNode
    bootstrap_servers: str
    secrets: dict[str, str]

    @property
    def base_url(self) -> str:
        """Where the API server answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of the files that workflows read and write."""
        return self.home.parent / "data"

    @property
    def passwords_file(self) -> Path:
        """Airflow's own copy of its users' passwords, mode 600."""
        return self.home / "passwords.json"

    def environment(self) -> dict[str, str]:
        """Everything that Airflow's processes read; AIRFLOW rows of the env file win over the tuning."""
        own = TUNING | credentials.read(METRICS) | self._places() | self._addresses() | self._connections()
        return own | self._rows_of_env_file()

    def _places(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self.home),
            "TRADEWIND_DATA_DIR": str(self.data),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(repository.ROOT / "airflow" / "plugins"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(repository.ROOT / "airflow" / "dags"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": credentials.airflow_users(),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database.url(DATABASE, "+psycopg2"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.database.url(DATABASE, "+psycopg_async"),
        }

    def _addresses(self) -> dict[str, str]:
        worker_logs, trigger_logs = self.log_ports
        return {
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.base_url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.base_url}/execution/",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_logs),
            "AIRFLOW__METRICS__STATSD_HOST": LOOPBACK,
            "AIRFLOW__METRICS__STATSD_PORT": str(self.statsd_port),
        }

    def _connections(self) -> dict[str, str]:
        kafka = {"conn_type": "kafka", "extra": {"bootstrap.servers": self.bootstrap_servers}}
        airflow = {
            "conn_type": "http",
            "host": f"http://{LOOPBACK}",
            "port": self.port,
            "login": "ingest",
            "password": self.secrets["AIRFLOW_INGEST_PASSWORD"],
        }
        return {
            "AIRFLOW_CONN_TRADEWIND_KAFKA": json.dumps(kafka),
            "AIRFLOW_CONN_TRADEWIND_AIRFLOW": json.dumps(airflow),
        }

    def _rows_of_env_file(self) -> dict[str, str]:
        return {name: value for name, value in self.secrets.items() if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_"))}
