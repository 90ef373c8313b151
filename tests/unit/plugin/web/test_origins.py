"""Cross-site requests of browsers are detected."""

import pytest

from tradewind_airflow.web import origins

OURS = {"host": "airflow.bank:8080"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://airflow.bank:8080"},
        {"origin": "https://AIRFLOW.bank:8080"},
        {"origin": "https://behind-a-proxy.bank", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://portal.bank", "sec-fetch-site": "same-site"},
        {"origin": "https://portal.bank"},
    ],
)
def test_own_pages_trusted_ones_and_programs_are_allowed(headers: dict[str, str]) -> None:
    assert not origins.is_foreign("POST", OURS | headers, {"https://portal.bank"})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://airflow.bank"},
        {"origin": "http://["},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://airflow.bank:8080", "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "invented"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_a_foreign_page_may_not_change_anything(method: str, headers: dict[str, str]) -> None:
    assert origins.is_foreign(method, OURS | headers, {"https://portal.bank"})


@pytest.mark.parametrize("method", sorted(origins.SAFE_METHODS))
def test_a_foreign_page_may_link_to_ours(method: str) -> None:
    assert not origins.is_foreign(method, OURS | {"origin": "https://evil.example", "sec-fetch-site": "cross-site"})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.b:1/c/d", "https://a.b:1"),
        (" http://a ", "http://a"),
        ("", ""),
        ("null", ""),
        ("http://[", ""),
        ("/x", ""),
    ],
)
def test_the_origin_of_a_url(url: str, origin: str) -> None:
    assert origins.of(url) == origin
