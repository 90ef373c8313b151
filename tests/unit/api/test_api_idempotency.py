import asyncio
import uuid

import pytest

from support.facade import CALLER, OTHER_TOKEN, Facade, pointers_of, problem_of, until
from tradewind_contracts import run_ids
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_service.publisher import DeliveryError

KEY = {"idempotency-key": '"order-77"'}


async def test_the_run_id_is_made_of_caller_workflow_and_key(facade: Facade) -> None:
    run_id = (await facade.trigger(KEY)).json()["workflow_run_id"]
    assert run_id == run_ids.from_idempotency_key(CALLER, "recon", "order-77")
    assert uuid.UUID(run_id).version == 5


async def test_the_same_key_again_is_the_same_answer_and_no_second_event(facade: Facade) -> None:
    first = await facade.trigger(KEY)
    again = await facade.trigger(KEY)
    assert again.status_code == 202
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json() | {"deduplicated": True}
    assert len(facade.publisher.records) == 1


async def test_quoted_and_bare_are_the_same_key(facade: Facade) -> None:
    await facade.trigger({"idempotency-key": '"a-1"'})
    assert (await facade.trigger({"idempotency-key": " a-1 "})).json()["deduplicated"] is True


async def test_fifty_at_once_are_one_event(facade: Facade) -> None:
    facade.publisher.gate.clear()
    calls = [asyncio.create_task(facade.trigger(KEY)) for _ in range(50)]
    await until(lambda: facade.publisher.in_flight)
    facade.publisher.gate.set()
    answers = [call.json() for call in await asyncio.gather(*calls)]
    assert len({answer["workflow_run_id"] for answer in answers}) == 1
    assert sum(not answer["deduplicated"] for answer in answers) == 1
    assert len(facade.publisher.records) == 1


async def test_callers_at_once_share_a_failure_too(facade: Facade) -> None:
    facade.publisher.error = DeliveryError("timed out")
    facade.publisher.gate.clear()
    calls = [asyncio.create_task(facade.trigger(KEY)) for _ in range(3)]
    await asyncio.sleep(0.01)
    facade.publisher.gate.set()
    assert {call.status_code for call in await asyncio.gather(*calls)} == {503}


async def test_the_first_caller_may_go_away_while_others_wait(facade: Facade) -> None:
    facade.publisher.gate.clear()
    first = asyncio.create_task(facade.trigger(KEY))
    second = asyncio.create_task(facade.trigger(KEY))
    await until(lambda: facade.publisher.in_flight)
    first.cancel()
    await asyncio.sleep(0)
    facade.publisher.gate.set()
    assert (await second).status_code == 202
    assert len(facade.publisher.records) == 1


@pytest.mark.parametrize(
    "change", [{"parameters": {"isin": "Y"}}, {"priority": 4}, {"workflow_type": "langgraph"}], ids=str
)
async def test_another_payload_under_the_same_key_is_refused(facade: Facade, change: dict[str, object]) -> None:
    first = await facade.trigger(KEY)
    response = await facade.trigger(KEY, **change)
    assert problem_of(response) == (422, "idempotency-conflict")
    assert response.json()["instance"] == first.headers["location"]
    assert len(facade.publisher.records) == 1


async def test_another_payload_is_refused_while_the_first_is_in_flight(facade: Facade) -> None:
    facade.publisher.gate.clear()
    first = asyncio.create_task(facade.trigger(KEY))
    await until(lambda: facade.publisher.in_flight)
    conflict = await facade.trigger(KEY, priority=9)
    facade.publisher.gate.set()
    assert problem_of(conflict) == (422, "idempotency-conflict")
    assert (await first).status_code == 202


async def test_the_order_of_keys_in_an_object_is_no_other_payload(facade: Facade) -> None:
    await facade.trigger(KEY, parameters={"isin": "X", "quantity": 1})
    again = await facade.trigger(KEY, parameters={"quantity": 1, "isin": "X"})
    assert again.json()["deduplicated"] is True


async def test_another_caller_and_another_workflow_are_other_runs(facade: Facade) -> None:
    mine = await facade.trigger(KEY)
    theirs = await facade.trigger(KEY | {"authorization": f"Bearer {OTHER_TOKEN}"})
    other = await facade.trigger(KEY, workflow_id="triage", workflow_type="langgraph")
    assert len({answer.json()["workflow_run_id"] for answer in (mine, theirs, other)}) == 3


async def test_a_replay_needs_no_engine_and_no_broker(facade: Facade) -> None:
    await facade.trigger(KEY)
    facade.airflow.down = True
    facade.publisher.error = DeliveryError("down")
    assert (await facade.trigger(KEY)).json()["deduplicated"] is True


async def test_a_replay_tells_that_the_run_was_rejected(facade: Facade) -> None:
    run_id = (await facade.trigger(KEY)).json()["workflow_run_id"]
    letter = DeadLetter(
        reason="invalid-parameters",
        detail="the schema has changed",
        topic="workflow-events",
        partition=0,
        offset=5,
        consumer_group="tradewind-airflow",
        dead_lettered_at="2026-01-01T00:00:00Z",
    )
    facade.index.rejected(run_id, letter)
    assert (await facade.trigger(KEY)).json()["status"] == "rejected"


@pytest.mark.parametrize(
    "value", ["", '""', '"', '"open', 'a"b', "two words", "a,b", '"a b"', "x" * 201, f'"{"x" * 201}"', '"a";p=1', "é"]
)
async def test_what_is_no_key_is_refused(facade: Facade, value: str) -> None:
    raw = [(b"idempotency-key", value.encode("latin-1"))]
    response = await facade.client.post("/workflows/trigger", json={"workflow_id": "recon"} | BODY, headers=raw)
    assert problem_of(response) == (422, "invalid-request")
    assert pointers_of(response) == ["#/header/Idempotency-Key"]
    assert facade.publisher.records == []


BODY = {"workflow_type": "airflow", "parameters": {"isin": "X"}}


async def test_two_keys_are_refused(facade: Facade) -> None:
    raw = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
    response = await facade.client.post("/workflows/trigger", json={"workflow_id": "recon"} | BODY, headers=raw)
    assert problem_of(response) == (422, "invalid-request")


@pytest.mark.parametrize("value", ["x" * 200, f'"{"x" * 200}"', r'"a\"b\\c"', "8e03978e-40d5-43e8-bc93-6894a57f9324"])
async def test_what_is_a_key_is_taken(facade: Facade, value: str) -> None:
    assert (await facade.trigger({"idempotency-key": value})).status_code == 202
