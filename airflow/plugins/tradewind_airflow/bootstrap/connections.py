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
class Wanted:
    """What a connection has to be; the fields are Airflow's."""

    conn_id: str
    conn_type: str
    description: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = None
    extra: str | None = None

    def fields(self) -> dict[str, str | int | None]:
        """All of them but the name."""
        return {name: value for name, value in vars(self).items() if name != "conn_id"}


def wanted(settings: Settings) -> tuple[Wanted, Wanted]:
    """The two connections. `bootstrap.servers` is the variable's, whatever the further keys say."""
    kafka = {**settings.kafka_client_config, "bootstrap.servers": settings.kafka_bootstrap_servers}
    api = settings.airflow_api_url
    return (
        Wanted("tradewind_kafka", "kafka", "Tradewind's events (written by its bootstrap)", extra=json.dumps(kafka)),
        Wanted(
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
    """Make both connections what they have to be; a line for each."""
    for connection in wanted(settings):
        yield f"connection {connection.conn_id}: {_write(connection)}"


def _write(connection: Wanted) -> str:
    ours = Connection.conn_id == connection.conn_id
    with create_session() as session:
        is_there = session.scalar(select(Connection.id).where(ours)) is not None
        try:
            row = session.scalar(select(Connection).where(ours))
            if row and all(getattr(row, name) == value for name, value in connection.fields().items()):
                return "as it has to be"
        except InvalidToken:
            # Encrypted with another Fernet key, a row can be neither read nor changed.
            log.debug("connection %s is of another Fernet key", connection.conn_id)
        session.execute(delete(Connection).where(ours))
        session.add(row := Connection(conn_id=connection.conn_id))
        for name, value in connection.fields().items():
            setattr(row, name, value)
    return "brought up to date" if is_there else "made"
