from pathlib import Path

import pytest

SECRETS = {
    "airflow_admin_password": "admin's own secret",
    "airflow_password": "facade's own secret",
    "airflow_ingest_password": "ingest's own secret",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets' folder, and an environment that names the broker."""
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TRADEWIND_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    return tmp_path
