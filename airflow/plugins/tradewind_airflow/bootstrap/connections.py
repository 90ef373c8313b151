"""The connections that the DAGs use, in Airflow's database, encrypted with the Fernet key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from airflow.models import Connection
from airflow.utils.session import create_session
from cryptography.fernet import InvalidToken
from sqlalchemy import select

from tradewind_airflow.bootstrap.settings import Settings


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
    with create_session() as session:
        row = session.scalar(select(Connection).where(Connection.conn_id == connection.conn_id))
        if row is None:
            session.add(row := Connection(conn_id=connection.conn_id))
            done = "made"
        elif _equal(row, connection):
            return "as it has to be"
        else:
            done = "brought up to date"
        for name, value in connection.fields().items():
            setattr(row, name, value)
    return done


def _equal(row: Connection, connection: Wanted) -> bool:
    try:
        return all(getattr(row, name) == value for name, value in connection.fields().items())
    except InvalidToken:  # encrypted with another Fernet key
        return False
