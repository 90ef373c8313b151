"""The connections that the DAGs use, in Airflow's database, encrypted with the Fernet key."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from airflow.models import Connection
from airflow.utils.session import create_session
from cryptography.fernet import InvalidToken
from sqlalchemy import delete, select

from tradewind_airflow.bootstrap.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionSpec:
    """The required fields of a connection, named as Airflow's."""

    conn_id: str
    conn_type: str
    description: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = None
    extra: str | None = None

    def fields(self) -> dict[str, str | int | None]:
        """The fields without the id."""
        return {name: value for name, value in vars(self).items() if name != "conn_id"}


def specs(settings: Settings) -> tuple[ConnectionSpec, ConnectionSpec]:
    """The two connections. `bootstrap.servers` is always the variable's, even if the client configuration has one."""
    kafka = {**settings.kafka_client_config, "bootstrap.servers": settings.kafka_bootstrap_servers}
    api = settings.airflow_api_url
    return (
        ConnectionSpec(
            "tradewind_kafka", "kafka", "Tradewind's events (written by its bootstrap)", extra=json.dumps(kafka)
        ),
        ConnectionSpec(
            "tradewind_airflow",
            "http",
            "Tradewind's plugin (written by its bootstrap)",
            host=f"{api.scheme}://{api.host}",
            port=api.port,
            login="ingest",
            password=settings.airflow_ingest_password.get_secret_value(),
        ),
    )


def write(settings: Settings) -> Iterator[str]:
    """Create or update both connections; yield a line for each."""
    for connection in specs(settings):
        yield f"connection {connection.conn_id}: {_write(connection)}"


def _write(connection: ConnectionSpec) -> str:
    ours = Connection.conn_id == connection.conn_id
    with create_session() as session:
        exists = session.scalar(select(Connection.id).where(ours)) is not None
        try:
            row = session.scalar(select(Connection).where(ours))
            if row and all(getattr(row, name) == value for name, value in connection.fields().items()):
                return "unchanged"
        except InvalidToken:
            # A row encrypted with another Fernet key can be neither read nor updated.
            log.debug("connection %s is encrypted with another Fernet key", connection.conn_id)
        session.execute(delete(Connection).where(ours))
        session.add(row := Connection(conn_id=connection.conn_id))
        for name, value in connection.fields().items():
            setattr(row, name, value)
    return "updated" if exists else "created"
