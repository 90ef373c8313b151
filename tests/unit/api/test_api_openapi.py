"""The description and the app agree: schemathesis sends each operation what it allows and what it forbids."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from support.engine_suite import FakeEngine, run_status
from support.facade import TOKEN, Facade, Progress, facade_settings, info
from tradewind_api.app import create_app
from tradewind_api.ledger import LedgerIndex
from tradewind_api.metrics import Metrics
from tradewind_api.openapi import PUBLIC
from tradewind_api.services import Connections
from tradewind_api.settings import Settings
from tradewind_contracts.workflows import WorkflowType


def described_app() -> FastAPI:
    facade = Facade(
        airflow=FakeEngine([info("recon_break_resolution", WorkflowType.AIRFLOW, {})]),
        langgraph=FakeEngine([info("settlement_fail_triage", WorkflowType.LANGGRAPH, {})]),
    )
    facade.airflow.runs["0"] = run_status("0")

    @asynccontextmanager
    async def connect(*_: Settings | LedgerIndex | Metrics) -> AsyncIterator[Connections]:
        yield Connections(facade.publisher, Progress(), facade.engines)

    return create_app(facade_settings(), connect)


APP = described_app()
schema = schemathesis.openapi.from_asgi("/openapi.json", APP)


@schema.auth()
class DeskToken:
    def get(self, case: Any, context: Any) -> str:  # noqa: ARG002  # schemathesis' protocol
        return TOKEN

    def set(self, case: Any, data: str, context: Any) -> None:  # noqa: ARG002  # schemathesis' protocol
        case.headers["Authorization"] = f"Bearer {data}"


@schema.hook
def map_body(context: Any, body: Any) -> Any:  # noqa: ARG001  # schemathesis' protocol
    # To JSON Schema 2.0 is an integer, to us it is not: no schema can say so.
    match body:
        case {"priority": float(priority)} if priority.is_integer():
            return body | {"priority": int(priority)}
    return body


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Any) -> None:
    if case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        # Of two bodies under one key the second is rightly refused.
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    response = case.call()
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if beyond_schema(response) else None)


def beyond_schema(response: Any) -> bool:
    """Whether a body was refused for what no schema can say: I-JSON's bounds on numbers, text and depth."""
    faults = ("not-a-number", "unstorable-text", "too-deep")
    return response.status_code == 400 and str(response.json()["detail"]).startswith(faults)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return APP.openapi()


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def test_operation_ids_are_stable(description: dict[str, Any]) -> None:
    assert {name: operation["operationId"] for name, operation in operations(description).items()} == {
        "post /workflows/trigger": "triggerWorkflow",
        "get /workflows/{workflow_run_id}/status": "getWorkflowStatus",
        "get /workflows": "listWorkflows",
        "get /": "getRoot",
        "get /livez": "getLiveness",
        "get /readyz": "getReadiness",
        "get /health": "getHealth",
        "get /metrics": "getMetrics",
    }


def test_every_error_is_described_as_a_problem(description: dict[str, Any]) -> None:
    for name, operation in operations(description).items():
        for status, answer in operation["responses"].items():
            if status >= "400" and not name.endswith(("/readyz", "/health")):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
                assert answer["content"]["application/problem+json"]["examples"]


def test_tokens_are_described_on_all_but_the_public_paths(description: dict[str, Any]) -> None:
    for name, operation in operations(description).items():
        path = name.split()[1]
        assert (operation.get("security") is None) is (path in PUBLIC), name
        assert ("401" in operation["responses"]) is (path not in PUBLIC), name


def test_the_title_is_the_briefs_and_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    assert description["info"]["title"] == "Workflow Orchestration API"
    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert references(description) <= known
    assert "#/components/schemas/WorkflowRequest" in references(description)


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(child) for child in node.values()))
    return set[str]().union(*(references(child) for child in node)) if isinstance(node, list) else set()
