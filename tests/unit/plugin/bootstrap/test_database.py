import pytest

from tradewind_airflow.bootstrap import database


@pytest.mark.parametrize(
    "environment",
    [
        {database.SETTING: "postgresql+psycopg2://me:p%2Fw@host/db"},
        {f"{database.SETTING}_CMD": "printf %s postgresql+psycopg2://me:p%2Fw@host/db"},
        {database.SETTING: "postgresql://me:p%2Fw@host/db", f"{database.SETTING}_CMD": "false"},
    ],
)
def test_the_url_is_airflows(environment: dict[str, str]) -> None:
    assert database.url(environment) == "postgresql://me:p%2Fw@host/db"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "not the URL of a PostgreSQL"),
        ({database.SETTING: "sqlite:///somewhere"}, "not the URL of a PostgreSQL"),
        ({f"{database.SETTING}_CMD": "false"}, "_CMD failed"),
        ({f"{database.SETTING}_CMD": "sh -c 'echo no file >&2; exit 1'"}, "no file"),
    ],
)
def test_an_unusable_setting_is_an_error(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        database.url(environment)
