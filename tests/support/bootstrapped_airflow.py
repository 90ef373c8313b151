"""An Airflow on this machine, with the settings of its containers (airflow/compose.env) and the bootstrap."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from support.airflow_home import ROOT
from support.airflow_server import TEST_DAGS
from support.airflow_variants import VariedServer
from tradewind_local import credentials, env_file

COMPOSE = ROOT / "airflow" / "compose.env"
DATABASE = "airflow:{}@postgres:5432/airflow"

NASTY = "p/w %40&{}:ü'\"$#?\\"
"""A password that an address, a shell or a format string would take apart."""


class BootstrappedServer(VariedServer):
    """`secrets` is the folder that stands for /run/secrets; `database_url` is libpq's form, without a password."""

    def __init__(self, home: Path, database_url: str) -> None:
        super().__init__(home, database_url, {})
        shutil.copytree(TEST_DAGS, home / "dags")
        self.secrets = home / "secrets"
        self.secrets.mkdir()
        names = {name: f"airflow_{name}_password" for name in ("admin", "ingest")} | {"facade": "airflow_password"}
        self.files = names | {"kafka": "kafka_client_config"}
        for user, file in names.items():
            self.passwords[user] = f"{NASTY} {self.passwords[user]}"
            self.write(file, self.passwords[user])
        made = {"fernet_key": "AIRFLOW__CORE__FERNET_KEY", "jwt_secret": "AIRFLOW__API_AUTH__JWT_SECRET"}
        made["api_secret_key"] = "AIRFLOW__API__SECRET_KEY"
        for file, name in made.items():
            self.write(f"airflow_{file}", env_file.GENERATED[name]())
        self.write("airflow_database_password", NASTY)

    def write(self, name: str, secret: str) -> None:
        """Write a secret's file."""
        (self.secrets / name).write_text(secret)

    @property
    def env(self) -> dict[str, str]:
        """The containers' environment; what names another container names this machine, and no secret is in it."""
        program = f"{ROOT}/airflow/docker/tradewind-secret"
        here = self.database_url.removeprefix("postgresql://").replace("@", ":{}@", 1)
        rows = {
            name: value.replace("tradewind-secret", program).replace(DATABASE, here)
            for name, value in credentials.read(COMPOSE).items()
        }
        server = {name: value for name, value in super().env.items() if f"{name}_CMD" not in rows}
        addresses = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/"}
        addresses |= {"AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1"}
        own = {"TRADEWIND_SECRETS_DIR": str(self.secrets), "KAFKA_BOOTSTRAP_SERVERS": "kafka:19092"}
        return server | rows | addresses | own

    def bootstrap(self, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        command = [sys.executable, "-m", "tradewind_airflow.bootstrap"]
        return subprocess.run(command, env=self.env | extra, capture_output=True, text=True, check=False)

    def python(self, program: str) -> str:
        """What a program prints that runs within this Airflow."""
        done = subprocess.run(
            [sys.executable, "-c", program], env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def health(self, wanted: str, **extra: str) -> tuple[int, str, float]:
        """The health check's exit code, what it said, and the seconds of CPU that it took."""
        before = os.times()
        command = [sys.executable, "-m", "tradewind_airflow.bootstrap.health", wanted]
        done = subprocess.run(command, env=self.env | extra, capture_output=True, text=True, check=False)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        return done.returncode, done.stderr, spent

    def part(self, name: str, **extra: str) -> subprocess.Popen[bytes]:
        """Start another part of this Airflow, e.g. its `dag-processor`."""
        with (self.home / f"{name}.log").open("ab") as output:
            command = [sys.executable, "-m", "airflow", name]
            return subprocess.Popen(command, env=self.env | extra, stdout=output, stderr=output, start_new_session=True)

    def until_healthy(self, wanted: str, seconds: float, **extra: str) -> Any:
        """Check until it is healthy; return the last check."""
        deadline = time.monotonic() + seconds
        while (found := self.health(wanted, **extra))[0] and time.monotonic() < deadline:
            time.sleep(0.5)
        return found
