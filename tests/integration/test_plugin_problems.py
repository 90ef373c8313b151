"""What the plugin answers to what it cannot take, and what it says of itself."""

from typing import Any

import httpx
import pytest


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:tradewind:problem:{slug}"
    assert problem["status"] == status
    return problem


def test_the_docs_describe_the_bodies(ingest: httpx.Client) -> None:
    document = ingest.get("/openapi.json").json()
    assert document["servers"] == [{"url": "/tradewind"}]
    body = document["paths"]["/workflows/trigger/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/BatchRequest"}
    assert document["components"]["schemas"]["BatchItem"]["required"] == ["workflow_id", "workflow_type"]
    assert "/tradewind/openapi.json" in ingest.get("/docs").text
    assert "/tradewind/openapi.json" in ingest.get("/redoc").text


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nothing/here", 404, "not-found"),
        ("DELETE", "/workflows", 405, "method-not-allowed"),
        ("GET", "/workflows/no-such-run/status", 404, "unknown-run"),
        ("GET", "/workflows/not%20a%20run%20id/status", 422, "invalid-request"),
    ],
)
def test_a_wrong_address_is_a_problem(ingest: httpx.Client, method: str, path: str, status: int, slug: str) -> None:
    assert_problem(ingest.request(method, path), status, slug)


@pytest.mark.parametrize("path", ["/workflows/trigger", "/workflows/trigger/batch"])
@pytest.mark.parametrize(
    ("body", "content_type", "status", "slug"),
    [
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"", "application/json", 400, "malformed-body"),
        (b"{", "application/json", 400, "malformed-body"),
        (b"\xff", "application/json", 400, "malformed-body"),
        (b'{"items": NaN}', "application/json", 400, "malformed-body"),
        (b'{"items": [], "items": []}', "application/json", 400, "malformed-body"),
        (b"[" * 100_000, "application/json", 400, "malformed-body"),
        (b"[]", "application/json; charset=utf-8", 422, "invalid-request"),
        (b'{"items": []}', "application/json", 422, "invalid-request"),
        (b"x" * (8 * 1024 * 1024 + 1), "application/json", 413, "body-too-large"),
    ],
)
def test_an_unreadable_body_is_a_problem(
    ingest: httpx.Client, path: str, body: bytes, content_type: str, status: int, slug: str
) -> None:
    assert_problem(ingest.post(path, content=body, headers={"content-type": content_type}), status, slug)


def test_a_single_body_may_have_256_kib(ingest: httpx.Client) -> None:
    answer = ingest.post(
        "/workflows/trigger", content=b" " * (256 * 1024 + 1), headers={"content-type": "application/json"}
    )
    assert_problem(answer, 413, "body-too-large")
