"""The bootstrap's settings: environment variables, else files of the same names in /run/secrets."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

MINIMUM = 12


class Settings(BaseSettings):
    """The bootstrap's settings. Secrets come from files; an environment variable of the same name wins."""

    # An error message must not contain a value, which could be a password.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    airflow_admin_password: SecretStr = Field(
        min_length=MINIMUM, description="Password of Airflow's user admin (people)"
    )
    airflow_password: SecretStr = Field(
        min_length=MINIMUM, description="Password of Airflow's user facade (role viewer), the API's own"
    )
    airflow_ingest_password: SecretStr = Field(
        min_length=MINIMUM, description="Password of Airflow's user ingest (role user), which creates the runs"
    )
    kafka_bootstrap_servers: str = Field(min_length=1, description="host:port, separated by commas")
    kafka_client_config: dict[str, str | int | float | bool] = Field(
        default={}, repr=False, description="more of librdkafka's keys, as a JSON object: sasl.*, ssl.*"
    )
    airflow_api_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://airflow-apiserver:8080"), description="where triggerers reach the API server"
    )
    database_patience: float = Field(default=60.0, ge=0, description="seconds to wait for an unavailable database")

    @classmethod
    def read(cls) -> Self:
        """Read the environment and TRADEWIND_SECRETS_DIR (/run/secrets); raises pydantic's ValidationError."""
        folder = Path(os.environ.get("TRADEWIND_SECRETS_DIR", "/run/secrets"))
        return cls(_secrets_dir=folder if folder.is_dir() else None)


def problems(error: ValidationError) -> Iterator[str]:
    """The errors of the settings, by variable name and without values."""
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(one["loc"][0])
        yield f"{name.upper()} (or the secret {name}): {one['msg']}"
