"""The plugin's description and its answers agree: schemathesis sends each operation what it allows and what it forbids.

Operations are those of the served document, so a new route is tried as it is added. Streams are opened for runs that
nobody made, which ends them at once; what they tell of a run has tests of its own.
"""

import json
import uuid
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import ignored_auth, positive_data_acceptance

from support.airflow_server import AirflowServer

EXCLUDED = [
    # Runs, cursors and keys that fit their patterns are refused for what they do not name.
    positive_data_acceptance,
    # Each route is walked with each bad token elsewhere (test_plugin_guard).
    ignored_auth,
]
MAX_WAIT = 0.2

described = schemathesis.pytest.from_fixture("description")


@pytest.fixture(scope="module")
def description(airflow_server: AirflowServer) -> Any:
    """The schema as the server tells it."""
    headers = {"authorization": f"Bearer {airflow_server.token('admin')}"}
    schema = schemathesis.openapi.from_url(f"{airflow_server.url}/tradewind/openapi.json", headers=headers)

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:  # noqa: ARG001  # schemathesis' protocol
        return _integers(body)

    @schema.hook
    def map_query(context: Any, query: Any) -> Any:  # noqa: ARG001  # schemathesis' protocol
        # Else a long poll waits as long as it is asked to.
        wait = (query or {}).get("wait")
        return query | {"wait": MAX_WAIT} if isinstance(wait, int | float) and wait > MAX_WAIT else query

    return schema


def _integers(body: Any) -> Any:
    """To JSON Schema 2.0 is an integer, to us it is not: no schema can say so."""
    if isinstance(body, dict):
        number = body.get("priority")
        whole = {"priority": int(number)} if isinstance(number, float) and number.is_integer() else {}
        items = {"items": [_integers(item) for item in body["items"]]} if isinstance(body.get("items"), list) else {}
        return body | whole | items
    return body


@described.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_plugin_answers_as_it_describes(case: Any, airflow_server: AirflowServer) -> None:
    if case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        # Of two bodies under one key the second is rightly refused.
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    response = case.call(headers={"authorization": f"Bearer {airflow_server.token('admin')}"}, timeout=30)
    assert response.status_code < 500 or response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
    case.validate_response(response, excluded_checks=EXCLUDED)


def test_each_error_is_described_as_a_problem(ingest: httpx.Client) -> None:
    document = ingest.get("/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(document["paths"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"401", "403", "422", "503"} <= errors.keys(), path
            assert ("requestBody" in operation) is ("415" in errors)
            for answer in errors.values():
                assert list(answer["content"]) == ["application/problem+json"]
                assert answer["content"]["application/problem+json"]["schema"] == {
                    "$ref": "#/components/schemas/Problem"
                }


def test_each_operation_names_what_it_refers_to(ingest: httpx.Client) -> None:
    document = ingest.get("/openapi.json").json()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) <= known
    assert all(operation.get("security") for path in document["paths"].values() for operation in path.values())


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(child) for child in node.values()))
    return set[str]().union(*(_references(child) for child in node)) if isinstance(node, list) else set()
