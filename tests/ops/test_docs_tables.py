"""The guides' tables agree with the code, and every block is checked."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.documents import DOCS, NOT_RUN, OUTPUTS, RUNNABLE, Block, blocks, differences, table
from support.facade import facade_settings
from tradewind_agents.intake import UNSUPPORTED_COMMAND
from tradewind_airflow.feed.settings import FeedSettings
from tradewind_airflow.ingestion import plugin_client
from tradewind_airflow.web import bodies, commands, statuses
from tradewind_airflow.web.app import create_app as create_plugin
from tradewind_api.app import create_app as create_facade
from tradewind_api.openapi import PUBLIC
from tradewind_contracts import json_text
from tradewind_contracts.batches import Outcome
from tradewind_contracts.events import EVENT_TYPES
from tradewind_contracts.json_text import JsonFault
from tradewind_contracts.problems import MEDIA_TYPE, ProblemType
from tradewind_contracts.topics import TOPICS
from tradewind_contracts.workflows import MAX_BATCH_ITEMS, RunStatus
from tradewind_service import request_headers

API = DOCS / "api.md"
PATTERNS = DOCS / "integration-patterns.md"
GUIDES = (API, PATTERNS)


@pytest.fixture(scope="module")
def facade() -> dict[str, Any]:
    return create_facade(facade_settings()).openapi()


@pytest.fixture(scope="module")
def plugin() -> dict[str, Any]:
    return create_plugin().openapi()


def served(description: dict[str, Any]) -> dict[str, set[str]]:
    """Operation -> the statuses of its answers that are no errors; 503 where it is one of those."""
    return {
        f"{method.upper()} {path}": {
            status for status, answer in operation["responses"].items() if MEDIA_TYPE not in answer.get("content", {})
        }
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    }


def test_the_routes_are_those_that_are_served(facade: dict[str, Any], plugin: dict[str, Any]) -> None:
    rows = table(API, "route")
    assert {row["route"] for row in rows if row["facade"] != "-"} == set(served(facade))
    assert {row["route"] for row in rows if row["plugin"] != "-"} == set(served(plugin))
    public = {row["route"] for row in rows if row["facade"] == "public"}
    assert public == {route for route in served(facade) if route.split()[1] in PUBLIC}


def test_the_routes_answer_what_is_described(facade: dict[str, Any], plugin: dict[str, Any]) -> None:
    for row in table(API, "route"):
        described = served(facade).get(row["route"], set()) | served(plugin).get(row["route"], set())
        assert set(re.findall(r"\d{3}", row["answers"])) == described, row["route"]


def test_the_problems_are_all_there_are() -> None:
    listed = {(row["problem"], int(row["status"]), row["title"]) for row in table(API, "problem")}
    assert listed == {(kind.slug, kind.status, kind.title) for kind in ProblemType}
    assert all(row["what to do"] for row in table(API, "problem"))


def test_each_problem_names_its_api(facade: dict[str, Any]) -> None:
    by_router = {ProblemType.NOT_FOUND.slug, ProblemType.METHOD_NOT_ALLOWED.slug}
    described = {
        slug
        for operations in facade["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        for slug in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    rows = table(API, "problem")
    assert {row["problem"] for row in rows if row["API"] in {"both", "facade"}} == described | by_router
    # The plugin has no Kafka; all else it may answer.
    assert {row["problem"] for row in rows if row["API"] == "facade"} == {ProblemType.KAFKA_UNAVAILABLE.slug}


def test_the_words_are_all_there_are() -> None:
    listed = {row["word"]: row["the end?"] == "yes" for row in table(API, "word")}
    assert listed == {word.value: word.is_terminal for word in RunStatus}
    assert {row["outcome"] for row in table(API, "outcome")} == {outcome.value for outcome in Outcome}


def test_the_picture_of_the_states_holds_every_word() -> None:
    picture = next(block.text for block in blocks(API) if block.text.startswith("stateDiagram"))
    drawn = set(re.findall(r"^  (\w+) --> (\w+)", picture, re.MULTILINE))
    assert {word for arrow in drawn for word in arrow} == {word.value for word in RunStatus}
    ended = {before for before, _ in drawn if RunStatus(before).is_terminal}
    assert {after for before, after in drawn if before in ended} == {"queued"}


def test_the_limits_are_the_codes() -> None:
    settings = facade_settings()
    listed = {
        row["what"]: [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", row["limit"])] for row in _limits()
    }
    kib = 1024
    assert listed == {
        "body of a trigger": [settings.max_body_bytes // kib],
        "body of a batch (plugin)": [bodies.BATCH_BYTES // kib // kib],
        "items of a batch": [MAX_BATCH_ITEMS],
        "body of a command": [commands.BODY_BYTES // kib],
        "nesting of a body (of a batch: of each item's parameters)": [json_text.MAX_DEPTH],
        "integers in JSON": [(json_text.MAX_INTEGER + 1).bit_length()],
        "workflow_id, workflow_run_id": [250, 0, 9],
        "Idempotency-Key": [request_headers.MAX_KEY_LENGTH],
        "faults reported in one problem": [50],
        "Prefer: wait (facade)": [request_headers.MAX_WAIT_SECONDS],
        "calls that hold Prefer: wait at once": [settings.max_waiting],
        "?wait of a status, of changes (plugin)": [statuses.MAX_WAIT, 30],
        "who waits or streams at once (plugin)": [FeedSettings.max_watchers],
        "an engine's answer (facade)": [settings.engine_timeout_seconds],
        "acknowledgement by Kafka (facade)": [settings.kafka_delivery_timeout_ms / 1000],
        "triggers that wait for Kafka at once (facade)": [settings.kafka_max_in_flight],
    }
    assert settings.max_body_bytes == bodies.SINGLE_BYTES


def _limits() -> list[dict[str, str]]:
    return table(API, "what")


def test_the_topics_and_events_are_all_there_are() -> None:
    topics = {(row["topic"], int(row["partitions"]), int(row["kept"].split()[0])) for row in table(PATTERNS, "topic")}
    assert topics == {(topic.name, topic.partitions, topic.retention_ms // 86_400_000) for topic in TOPICS}
    assert {row["event"] for row in table(PATTERNS, "event")} == EVENT_TYPES


def test_the_reasons_of_dead_letters_are_all_there_are() -> None:
    listed = {reason for row in table(PATTERNS, "reason") for reason in row["reason"].split(", ")}
    decoding = {"empty", "not-an-object", "unknown-event-type", "invalid-event", "attributes-disagree"}
    refused = listed - {fault.value for fault in JsonFault} - decoding - {UNSUPPORTED_COMMAND}
    assert listed >= decoding | {fault.value for fault in JsonFault} | {UNSUPPORTED_COMMAND}
    assert refused <= {kind.slug for kind in ProblemType}
    # Those with which the plugin refuses a cancel for good, and the outcomes of a trigger that are no run.
    assert {kind.rpartition(":")[2] for kind in plugin_client._REFUSALS} - {"state-conflict"} <= refused


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_no_block_goes_unchecked(guide: Path) -> None:
    found = blocks(guide)
    assert sum(block.runs for block in found) >= 10
    shown = [block for block in found if block.language in OUTPUTS]
    printed = {block.printed for block in found if block.runs}
    assert [block.where for block in shown if block not in printed and not block.info.startswith(NOT_RUN)] == []
    assert {block.language for block in found} <= {*RUNNABLE, *OUTPUTS, "mermaid"}
    reasons = [block.info.removeprefix(NOT_RUN) for block in found if block.info.startswith(NOT_RUN)]
    assert all(len(reason) > 10 for reason in reasons)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_pictures_are_whole(guide: Path) -> None:
    for block in blocks(guide):
        if block.language == "mermaid":
            kind, *lines = block.text.strip().splitlines()
            assert kind.split()[0] in {"flowchart", "sequenceDiagram", "stateDiagram-v2"}, block.where
            assert lines, block.where
            text = "\n".join(lines)
            assert all(text.count(left) == text.count(right) for left, right in ("[]", "()", "{}")), block.where
            assert text.count('"') % 2 == 0, block.where
            opened = len(re.findall(r"^\s*(?:loop|alt|opt|par|critical|rect|subgraph)\b", text, re.MULTILINE))
            assert opened == len(re.findall(r"^\s*end$", text, re.MULTILINE)), block.where


def _shown(language: str, text: str) -> Block:
    return Block("here", "bash", "", "", Block("there", language, "", text))


def test_another_output_would_be_seen() -> None:
    shown = _shown("text", "HTTP/1.1 202 Accepted\n...\nlast\n")
    assert not differences(shown, "HTTP/1.1 202 Accepted\r\ndate: x\r\nlast\n")
    assert differences(shown, "HTTP/1.1 200 OK\nlast\n")
    assert differences(shown, "HTTP/1.1 202 Accepted\n")
    ids = _shown("text", "01a20717-2f97-7479-99e9-9c2efdb4988b")
    assert not differences(ids, "fce93978-de0b-5bc0-99ca-e2e7a274e377")
    assert differences(ids, "none")


@pytest.mark.parametrize(
    ("shown", "got", "same"),
    [
        ('{"a": 1, "b": "..."}', '{"b": [7], "a": 1}', True),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ('{"a": 1, "...": "..."}', '{"a": 1, "b": 2}', True),
        ('{"a": 1, "...": "..."}', '{"b": 2}', False),
        ("[1, 2]", "[1]", False),
        ('[1, "..."]', "[1, 2, 3]", True),
        ('{"at": "2026-11-23T06:27:39.530949Z"}', '{"at": "2027-01-01T00:00:00Z"}', True),
        ("{}", "no JSON", False),
    ],
)
def test_other_json_would_be_seen(shown: str, got: str, *, same: bool) -> None:
    assert (not differences(_shown("json", shown), got)) is same
