import pytest

from tradewind_airflow.bootstrap import migration


@pytest.mark.parametrize(
    ("before", "summary"),
    [
        ({}, "database: Airflow nothing -> 3, Tradewind nothing -> 1"),
        ({"Airflow": "2", "Tradewind": "1"}, "database: Airflow 2 -> 3, Tradewind stays at 1"),
    ],
)
def test_the_summary_has_both_revisions(before: dict[str, str], summary: str) -> None:
    assert migration.summary(before, {"Airflow": "3", "Tradewind": "1"}) == summary
