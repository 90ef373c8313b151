"""The process's settings, read once from the environment."""

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradewind_contracts import topics
from tradewind_service import kafka_clients, secret_files


class Settings(BaseSettings):
    """Every setting of the service: `LANGGRAPH_` and the field's name in capitals, unless an alias says otherwise.

    A variable that is not in the environment is read from the file of that name, in lower case, in /run/secrets.
    """

    model_config = SettingsConfigDict(
        env_prefix="LANGGRAPH_",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
        secrets_dir=secret_files.FOLDER,
    )

    host: str = Field(default="127.0.0.1", description="Address that `python -m tradewind_agents` listens on")
    port: int = Field(default=8001, ge=0, le=65535, description="Port of the agents service")
    token: SecretStr = Field(min_length=16, description="Bearer token of every caller of this service")
    database_url: SecretStr = Field(description="libpq URL of the database of runs and checkpoints")
    database_password: SecretStr | None = Field(
        default=None, min_length=1, description="Password of the agents' database role, where the URL holds none"
    )
    kafka_bootstrap_servers: str = Field(
        validation_alias="KAFKA_BOOTSTRAP_SERVERS", description="host:port, comma separated"
    )
    kafka_client_config: kafka_clients.ClientConfig = Field(
        default={},
        validation_alias="KAFKA_CLIENT_CONFIG",
        description="JSON object of further librdkafka properties: security.protocol, sasl.*, ssl.*",
    )
    environment: str = Field(
        default="dev",
        max_length=64,
        validation_alias="ENVIRONMENT",
        description="`metadata.environment` of every event",
    )

    events_topic: str = Field(default=topics.WORKFLOW_EVENTS.name, description="Topic of triggers and commands")
    status_topic: str = Field(default=topics.WORKFLOW_STATUS.name, description="Topic of status events")
    dead_letters_topic: str = Field(default=topics.DEAD_LETTERS.name, description="Topic of dead letters")
    consumer_group: str = Field(default=topics.LANGGRAPH_GROUP, description="Consumer group of all replicas")
    session_timeout_ms: int = Field(
        default=6000, ge=1000, description="How long a dead replica keeps its partitions, milliseconds"
    )

    workflow_packages: tuple[str, ...] = Field(
        default=("tradewind_agents.workflows",), description="Packages whose modules define a `WORKFLOW` (JSON list)"
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Runs that are executed at once")
    backlog: int = Field(default=256, ge=1, description="Accepted runs at which fetching stops until half are done")
    pool_size: int = Field(default=8, ge=2, description="Connections to Postgres")
    recursion_limit: int = Field(default=50, ge=2, description="Supersteps after which a run fails")
    step_timeout_seconds: float = Field(default=300, gt=0, description="Longest superstep of a run, seconds")
    drain_seconds: float = Field(
        default=8, ge=0, description="Time at a stop for running steps to end before they are cancelled, seconds"
    )
    stale_poll_seconds: float = Field(
        default=15, gt=0, description="Without a poll for this long the service is not ready, seconds"
    )

    def conninfo(self) -> str:
        """Return libpq's connection string, which includes the password: never log it."""
        url = self.database_url.get_secret_value()
        if self.database_password is None:
            return url
        return make_conninfo(url, password=self.database_password.get_secret_value())

    def kafka_client(self) -> dict[str, str]:
        """Return librdkafka's properties that producer and consumer share."""
        return kafka_clients.connection(self.kafka_bootstrap_servers, self.kafka_client_config)
