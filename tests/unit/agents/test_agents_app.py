"""The app without its service: the guard, the problems, the settings."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError
from starlette.routing import Route

from tradewind_agents.app import PUBLIC, create_app
from tradewind_agents.settings import Settings

TOKEN = "0123456789abcdef-token"


def _settings(**more: object) -> Settings:
    values: dict[str, object] = {"token": TOKEN, "database_url": "postgresql://x", "kafka_bootstrap_servers": "x:1"}
    return Settings.model_validate(values | more)


@pytest.fixture
def app() -> FastAPI:
    return create_app(_settings())


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    # Without `with`: the lifespan, and so the service, does not start.
    return TestClient(app, raise_server_exceptions=False)


def _paths(app: FastAPI) -> list[str]:
    return [route.path for route in app.routes if isinstance(route, Route)]


def test_every_route_but_the_public_ones_wants_the_token(app: FastAPI, client: TestClient) -> None:
    guarded = set(_paths(app)) - PUBLIC
    assert {"/workflows", "/workflows/{workflow_run_id}/status", "/docs", "/openapi.json"} <= guarded
    for path in guarded:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}):
            answer = client.get(path.replace("{workflow_run_id}", "some-run"), headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["type"] == "urn:tradewind:problem:unauthenticated"


def test_the_public_list_is_of_real_routes(app: FastAPI) -> None:
    assert set(_paths(app)) >= PUBLIC
    assert sorted(PUBLIC) == ["/livez", "/metrics", "/readyz"]


@pytest.mark.parametrize("path", ["/no/such", "/livez/", "//livez", "/metrics/../workflows"])
def test_unknown_paths_are_guarded_too(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/no/such", 404, "not-found"),
        ("POST", "/workflows", 405, "method-not-allowed"),
        ("GET", "/workflows/some-run/status", 500, "internal"),
    ],
)
def test_every_error_is_a_problem(client: TestClient, method: str, path: str, status: int, kind: str) -> None:
    answer = client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:tradewind:problem:{kind}"


def test_the_list_holds_the_parameters_schema(client: TestClient) -> None:
    answer = client.get("/workflows", headers={"Authorization": f"Bearer {TOKEN}"})
    (only,) = answer.json()
    assert (only["workflow_id"], only["workflow_type"]) == ("settlement_fail_triage", "langgraph")
    assert only["parameters_schema"]["required"] == ["message"]


def test_metrics_are_public_and_bounded(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert "tradewind_agents_runs_in_flight 0.0" in text


def test_the_token_is_in_no_text(app: FastAPI) -> None:
    settings = _settings(database_url="postgresql://user:secret@host/db")
    assert TOKEN not in f"{settings!r}{settings}{app!r}"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("missing", ["LANGGRAPH_TOKEN", "LANGGRAPH_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"])
def test_there_are_no_default_secrets(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    environment = {"LANGGRAPH_TOKEN": TOKEN, "LANGGRAPH_DATABASE_URL": "x", "KAFKA_BOOTSTRAP_SERVERS": "x"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().events_topic == "workflow-events"
    monkeypatch.delenv(missing)
    with pytest.raises(ValidationError):
        Settings()


def test_a_short_token_is_rejected() -> None:
    with pytest.raises(ValidationError):
        _settings(token="short")


def test_kafkas_security_comes_from_the_environment_and_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", '{"security.protocol": "SASL_SSL", "sasl.password": "the-password"}')
    settings = _settings(kafka_bootstrap_servers="broker:9092")
    client = settings.kafka_client()
    assert client == {
        "security.protocol": "SASL_SSL",
        "sasl.password": "the-password",
        "bootstrap.servers": "broker:9092",
    }
    assert "the-password" not in repr(settings)


@pytest.mark.parametrize("key", ["bootstrap.servers", "group.id", "enable.auto.commit", "plugin.library.paths"])
def test_what_exactly_once_depends_on_cannot_be_set_from_outside(key: str) -> None:
    with pytest.raises(ValidationError, match="only connection and security") as raised:
        _settings(kafka_client_config={key: "a-secret-value"})
    assert "a-secret-value" not in str(raised.value)
