"""The program that reads a secret's file for Airflow's `_CMD` settings."""

import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

PROGRAM = Path(__file__).parents[3] / "airflow" / "docker" / "tradewind-secret"

TEMPLATE = "postgresql+psycopg2://airflow:{}@postgres:5432/airflow?sslmode=require"


def ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"TRADEWIND_SECRETS_DIR": str(folder), "PATH": "/nowhere"}
    return subprocess.run([str(PROGRAM), *arguments], env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("written", ["s3cret", "s3cret\n", "s3cret\nand what comes after the first line\n"])
def test_it_prints_the_files_first_line(tmp_path: Path, written: str) -> None:
    (tmp_path / "name").write_text(written)
    done = ask(tmp_path, "name")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"s3cret", b"")


@given(secret=st.text(st.characters(exclude_characters="\n\0", codec="utf-8"), min_size=1, max_size=20))
def test_any_password_fits_into_an_address(secret: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "name").write_bytes(secret.encode())
    done = ask(folder, "name", TEMPLATE)
    assert done.returncode == 0, done.stderr
    found = urlsplit(done.stdout.decode("ascii"))
    assert unquote(found.password or "") == secret
    assert (found.username, found.hostname, found.port) == ("airflow", "postgres", 5432)
    assert (found.path, found.query) == ("/airflow", "sslmode=require")


@pytest.mark.parametrize("content", [None, ""])
def test_a_missing_secret_is_reported(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "name").write_text(content)
    done = ask(tmp_path, "name")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"tradewind-secret: {tmp_path}/name is missing or empty\n"


def test_a_template_without_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("s3cret")
    done = ask(tmp_path, "name", "postgresql://airflow@postgres/airflow")
    assert done.returncode == 2
    assert b"s3cret" not in done.stdout + done.stderr


def test_it_starts_no_other_program(tmp_path: Path) -> None:
    """PATH leads nowhere in all of these tests; so what it needs are the shell's own commands."""
    (tmp_path / "name").write_text("a/b")
    assert ask(tmp_path, "name", "x:{}").stdout == b"x:a%2Fb"
