"""Records as other versions wrote them: each must always decode. A breaking change adds a `v2`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts import dead_letters, records
from tradewind_contracts.events import EVENT_TYPES

DATA = Path(__file__).parents[2] / "data" / "events"
FORMS = ("binary", "structured", "plain")


def _golden(event_type: str) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads((DATA / f"{event_type}.v1.json").read_text())
    return golden


def _decode(form: dict[str, Any]) -> records.Decoded:
    headers = [(name, text.encode()) for name, text in form["headers"].items()]
    return records.decode(json.dumps(form["value"], ensure_ascii=False).encode(), headers)


def test_every_event_type_has_its_golden_file() -> None:
    files = {path.name.removesuffix(".v1.json") for path in DATA.glob("workflow.*.json")}
    assert files == EVENT_TYPES


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_decodes_to_what_it_says(event_type: str, form: str) -> None:
    golden = _golden(event_type)
    event = _decode(golden[form]).event
    said = golden["plain"]["value"]
    assert event.event_type == event_type
    assert json.loads(event.model_dump_json(exclude_none=True)) == said


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_all_forms_mean_the_same(event_type: str) -> None:
    golden = _golden(event_type)
    first, *others = [_decode(golden[form]).event for form in FORMS]
    assert all(other == first for other in others)


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_encoded_again_it_keeps_its_meaning(event_type: str) -> None:
    golden = _golden(event_type)
    decoded = _decode(golden["binary"])
    record = records.encode(decoded.event, decoded.traceparent)
    assert records.decode(record.value, record.headers) == decoded
    assert json.loads(record.value) == golden["binary"]["value"]
    assert record.key == golden["plain"]["value"]["workflow_run_id"].encode()
    assert _instant_free(record.headers) == _instant_free(
        [(name, text.encode()) for name, text in golden["binary"]["headers"].items()]
    )


def _instant_free(headers: records.Headers) -> dict[str, str | bytes | None]:
    # `…Z` and `…+00:00` are one instant; the value's own timestamp was compared already.
    return {name: raw for name, raw in headers if name != "ce_time"}


def test_the_golden_dead_letter_is_read_and_written_as_it_was() -> None:
    golden = json.loads((DATA / "dead-letter.v1.json").read_text())
    letter = dead_letters.DeadLetter.model_validate(golden["letter"])
    original = [(name, text if text is None else text.encode()) for name, text in golden["original_headers"]]
    headers = dead_letters.headers(letter, original)
    assert headers[:-1] == original
    assert dead_letters.read(headers) == letter
    assert json.loads(headers[-1][1] or b"") == golden["letter"]
    assert letter.id == golden["id"]
