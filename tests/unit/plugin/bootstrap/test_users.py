from pathlib import Path

from tradewind_airflow.bootstrap import users
from tradewind_airflow.bootstrap.settings import Settings


def test_three_users_each_with_one_role(folder: Path) -> None:
    del folder
    found = {user.name: (user.role, user.password.get_secret_value()) for user in users.specs(Settings.read())}
    assert found == {
        "admin": ("Admin", "admin's own secret"),
        "facade": ("TradewindReader", "facade's own secret"),
        "ingest": ("TradewindIngest", "ingest's own secret"),
    }


def test_another_auth_managers_users_are_left_alone(folder: Path) -> None:
    del folder
    (line,) = users.write(Settings.read())
    assert line.startswith("users: left alone, managed by airflow.api_fastapi.auth.managers.simple")
