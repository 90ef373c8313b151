"""The facade's settings, read from the environment once, at start."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradewind_contracts import topics
from tradewind_service import kafka_clients, secret_files

MIN_TOKEN_LENGTH = 16
_TOKEN = re.compile(r"[!-~]+")


def _strong(token: SecretStr) -> SecretStr:
    secret = token.get_secret_value()
    if len(secret) < MIN_TOKEN_LENGTH or not _TOKEN.fullmatch(secret):
        raise ValueError(f"a token needs at least {MIN_TOKEN_LENGTH} visible ASCII characters")
    return token


def _without_slash(url: HttpUrl) -> HttpUrl:
    return HttpUrl(str(url).rstrip("/"))


Token = Annotated[SecretStr, AfterValidator(_strong)]
BaseUrl = Annotated[HttpUrl, AfterValidator(_without_slash)]


class Settings(BaseSettings):
    """One process's settings; each field is the environment variable of the same name in capitals.

    What the environment does not hold is read from the file of the field's name in /run/secrets.
    """

    # Inputs stay out of error messages: most of them are secrets.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, secrets_dir=secret_files.FOLDER
    )

    fastapi_host: str = Field(default="127.0.0.1", description="Address that `python -m tradewind_api` listens on")
    fastapi_port: int = Field(default=8000, ge=0, le=65535, description="Port of the API")
    environment: str = Field(default="dev", max_length=64, description="`metadata.environment` of every event")
    api_tokens: dict[str, Token] = Field(
        min_length=1,
        description="Callers of the API: a JSON object of caller -> bearer token, each of at least 16 characters. "
        "A caller's name is part of the run ids that its Idempotency-Keys make",
    )
    cors_origins: list[str] = Field(default=[], description="JSON list of the origins whose pages may call us")
    max_body_bytes: int = Field(default=256 * 1024, ge=1024, description="Largest request body, bytes")
    max_waiting: int = Field(default=200, ge=0, description="Calls that may hold `Prefer: wait` at once")

    kafka_bootstrap_servers: str = Field(min_length=1, description="host:port, comma separated")
    kafka_client_config: kafka_clients.ClientConfig = Field(
        default={}, description="JSON object of further librdkafka properties: security.protocol, sasl.*, ssl.*"
    )
    kafka_delivery_timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=60_000,
        description="How long a trigger waits for the broker before it is a 503, milliseconds",
    )
    kafka_max_in_flight: int = Field(default=1000, ge=1, description="Deliveries awaited at once; more are a 503")
    events_topic: str = Field(default=topics.WORKFLOW_EVENTS.name, description="Topic of triggers and commands")
    status_topic: str = Field(default=topics.WORKFLOW_STATUS.name, description="Topic of status events")
    dead_letters_topic: str = Field(default=topics.DEAD_LETTERS.name, description="Topic of dead letters")

    ledger_window_hours: float = Field(
        default=24,
        gt=0,
        description="How far back the topics are read: the time to live of an Idempotency-Key's answer",
    )
    ledger_max_runs: int = Field(
        default=100_000,
        ge=1,
        description="Runs kept in memory, those with the latest events; at start at most twice as many records are "
        "read of each topic",
    )
    ledger_max_bytes: int = Field(default=64 * 1024 * 1024, ge=1, description="Bytes of last known statuses kept")
    ledger_look_around_seconds: float = Field(
        default=15, gt=0, description="How often new partitions are searched for, seconds"
    )

    airflow_base_url: BaseUrl = Field(
        examples=["http://127.0.0.1:8080"],
        description="Airflow's API server; the plugin is below /tradewind. The local stack sets it",
    )
    airflow_username: str = Field(
        min_length=1, examples=["facade"], description="The facade's own Airflow user (role viewer)"
    )
    airflow_password: SecretStr = Field(
        min_length=1, description="Password of Airflow's user facade (role viewer), the API's own"
    )
    langgraph_base_url: BaseUrl = Field(
        examples=["http://127.0.0.1:8001"], description="The agents service. The local stack sets it"
    )
    langgraph_token: Token = Field(description="Bearer token of the agents service")
    engine_timeout_seconds: float = Field(
        default=3.0, gt=0, le=60, description="Longest wait for an engine's answer, seconds"
    )
    catalogue_ttl_seconds: float = Field(
        default=10.0, gt=0, description="Age at which workflow lists are read again, seconds"
    )

    @model_validator(mode="after")
    def _callers_differ(self) -> Self:
        secrets = [token.get_secret_value() for token in self.api_tokens.values()]
        if len(set(secrets)) != len(secrets):
            raise ValueError("API_TOKENS: two callers have the same token")
        return self

    def kafka_client(self) -> dict[str, str | int | float | bool]:
        """Return librdkafka's properties that producers and consumers share."""
        connection = kafka_clients.connection(self.kafka_bootstrap_servers, self.kafka_client_config)
        return {**connection, "client.id": "tradewind-api", "log.connection.close": False}
