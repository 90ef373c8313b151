"""The plugin's description and its answers agree: schemathesis sends each operation what it allows and what it forbids.

Operations are those of the served document, so a new route is tried as it is added. Streams are opened for runs that
nobody made, which ends them at once; what they tell of a run has tests of its own.
"""

import json
import uuid
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from support.airflow_server import AirflowServer

EXCLUDED = [
    # Runs, cursors and keys that fit their patterns are refused for what they do not name.
    positive_data_acceptance,
    # A query parameter that nobody knows is let pass, as Airflow's own routes do.
    negative_data_rejection,
    # Each route is walked with each bad token elsewhere (test_plugin_guard).
    ignored_auth,
]
MAX_WAIT = 0.2
OPERATIONS = 10
"""So many there are at least: else the test would look at nothing."""


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


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.timeout(900)
def test_each_operation_answers_as_it_is_described(
    description: Any, airflow_server: AirflowServer, mode: GenerationMode
) -> None:
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) >= OPERATIONS
    for operation in operations:
        _try(operation, mode, {"authorization": f"Bearer {airflow_server.token('admin')}"})


def _try(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        # Starlette's mount takes no path with a line feed: Airflow itself answers it.
        assume(not any("\n" in unquote(str(value)) for value in (case.path_parameters or {}).values()))
        if mode is GenerationMode.POSITIVE and "Idempotency-Key" in (case.headers or {}):
            # Of two bodies under one key the second is rightly refused.
            case.headers["Idempotency-Key"] = str(uuid.uuid4())
        response = case.call(headers=headers, timeout=60)
        assert response.status_code < 500 or response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
        case.validate_response(response, excluded_checks=EXCLUDED)

    try:
        each()
    except Unsatisfiable:
        # It takes nothing, so nothing of it can be wrong.
        assert mode is GenerationMode.NEGATIVE


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
