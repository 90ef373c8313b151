import asyncio
from typing import Any

import pytest

from support.engine_suite import FakeEngine
from support.facade import Facade, facade_settings, info, pointers_of, problem_of, until
from tradewind_api import workflow_lists
from tradewind_api.workflow_lists import WorkflowLists
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import WorkflowInfo, WorkflowRequest, WorkflowType
from tradewind_service.problem_responses import ProblemError


async def listed(facade: Facade) -> tuple[list[str], str | None]:
    response = await facade.client.get("/workflows")
    assert response.status_code == 200, response.text
    found = [WorkflowInfo.model_validate(item) for item in response.json()]
    return sorted(item.workflow_id for item in found), response.headers.get("tradewind-stale")


async def test_both_engines_workflows_are_listed_with_their_schemas(facade: Facade) -> None:
    assert await listed(facade) == (["recon", "triage"], None)
    response = await facade.client.get("/workflows")
    assert response.json()[0]["parameters_schema"]["required"] == ["isin"]


async def test_the_list_is_kept_and_not_asked_for_at_each_call(facade: Facade) -> None:
    before = len(facade.airflow.asked)
    for _ in range(5):
        await listed(facade)
    assert len(facade.airflow.asked) == before


async def test_an_engine_that_is_down_is_answered_for_by_its_last_list() -> None:
    async with Facade().running(facade_settings(catalogue_ttl_seconds=0.01)) as facade:
        assert await listed(facade) == (["recon", "triage"], None)
        facade.airflow.down = True
        await until(lambda: is_listed(facade, "airflow"))
        assert (await facade.trigger()).status_code == 202
        facade.airflow.down = False
        await until(lambda: is_listed(facade, None))


async def is_listed(facade: Facade, stale: str | None) -> bool:
    return await listed(facade) == (["recon", "triage"], stale)


async def test_a_new_workflow_is_found_without_a_restart() -> None:
    async with Facade().running(facade_settings(catalogue_ttl_seconds=0.01)) as facade:
        await listed(facade)
        facade.airflow.infos.append(info("fresh", WorkflowType.AIRFLOW))
        await until(lambda: is_accepted(facade, "fresh"))


async def is_accepted(facade: Facade, workflow_id: str) -> bool:
    return (await facade.trigger(workflow_id=workflow_id)).status_code == 202


async def test_an_engine_that_was_never_there_is_a_503_for_its_workflows_alone() -> None:
    facade = Facade()
    facade.airflow.down = True
    async with facade.running(facade_settings()):
        response = await facade.trigger()
        assert problem_of(response) == (503, "engine-unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert (await facade.trigger(workflow_id="triage", workflow_type="langgraph")).status_code == 202
        assert await listed(facade) == (["triage"], "airflow")


async def test_without_any_list_the_listing_is_a_503() -> None:
    facade = Facade()
    facade.airflow.down = facade.langgraph.down = True
    async with facade.running(facade_settings()):
        assert problem_of(await facade.client.get("/workflows")) == (503, "engine-unavailable")


async def test_an_unknown_workflow_is_a_404_that_names_its_likes(facade: Facade) -> None:
    response = await facade.trigger(workflow_id="recom")
    assert problem_of(response) == (404, "unknown-workflow")
    assert "did you mean recon?" in response.json()["detail"]


async def test_an_unknown_workflow_of_an_engine_that_went_down_is_a_503(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_lists, "_RELOAD_SECONDS", 0.0)
    facade.airflow.down = True
    assert problem_of(await facade.trigger(workflow_id="perhaps-new")) == (503, "engine-unavailable")


async def test_strangers_make_one_question_a_second_at_most(facade: Facade) -> None:
    before = len(facade.airflow.asked)
    await asyncio.gather(*(facade.trigger(workflow_id=f"unknown-{n}") for n in range(20)))
    assert len(facade.airflow.asked) <= before + 1


class SlowEngine(FakeEngine):
    async def workflows(self) -> list[WorkflowInfo]:
        found = await super().workflows()
        await asyncio.sleep(0.01)
        return found


def request(parameters: dict[str, Any]) -> WorkflowRequest:
    return WorkflowRequest(workflow_id="w", workflow_type=WorkflowType.AIRFLOW, parameters=parameters)


def lists_of(schema: dict[str, Any]) -> tuple[WorkflowLists, SlowEngine]:
    engine = SlowEngine([info("w", WorkflowType.AIRFLOW, schema)])
    return WorkflowLists({WorkflowType.AIRFLOW: engine}, ttl_seconds=10), engine


async def test_callers_at_once_share_one_question() -> None:
    lists, engine = lists_of({})
    await asyncio.gather(*(lists.check(request({})) for _ in range(20)))
    assert engine.asked == ["workflows"]


def nested_schema(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no-such-type"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"properties": {"a": {"pattern": "["}}},
        {"properties": {"b": {"multipleOf": 10**400}}},
        nested_schema(250),
    ],
)
async def test_a_schema_that_cannot_be_used_is_a_503_and_fetches_nothing(schema: dict[str, Any]) -> None:
    lists, _ = lists_of(schema)
    with pytest.raises(ProblemError) as raised:
        await lists.check(request({"a": "x", "b": 0.5}))
    assert raised.value.problem.type == ProblemType.WORKFLOW_UNAVAILABLE.uri


async def test_formats_are_checked_as_airflow_checks_them() -> None:
    lists, _ = lists_of({"properties": {"day": {"type": "string", "format": "date"}}})
    await lists.check(request({"day": "2026-02-28"}))
    with pytest.raises(ProblemError) as raised:
        await lists.check(request({"day": "2026-02-30"}))
    assert [error.pointer for error in raised.value.problem.errors] == ["#/parameters/day"]


async def test_at_most_fifty_errors_of_bounded_length_are_told() -> None:
    lists, _ = lists_of({"additionalProperties": {"type": "integer"}})
    with pytest.raises(ProblemError) as raised:
        await lists.check(request({f"p{n}": "x" * 1000 for n in range(200)}))
    errors = raised.value.problem.errors
    assert len(errors) == 50
    assert max(len(error.detail) for error in errors) <= 300


async def test_pointers_are_escaped(facade: Facade) -> None:
    lists, _ = lists_of({"properties": {"a/b~c": {"items": {"type": "integer"}}}})
    with pytest.raises(ProblemError) as raised:
        await lists.check(request({"a/b~c": [1, "x"]}))
    assert [error.pointer for error in raised.value.problem.errors] == ["#/parameters/a~1b~0c/1"]
    assert pointers_of(await facade.trigger(parameters={"isin": 1})) == ["#/parameters/isin"]


async def test_keeping_current_outlives_a_list_that_breaks_us(caplog: pytest.LogCaptureFixture) -> None:
    lists, engine = lists_of({})
    good, engine.infos = engine.infos, None  # type: ignore[assignment]  # what no engine may answer
    keeping = asyncio.create_task(lists.keep_current())
    await until(lambda: caplog.records)
    engine.infos = good
    await until(lambda: lists.known(WorkflowType.AIRFLOW))
    keeping.cancel()
    assert "could not be read" in caplog.text


async def test_a_schema_that_cannot_be_used_costs_its_workflow_alone_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lists, engine = lists_of(nested_schema(250))
    engine.infos.append(info("good", WorkflowType.AIRFLOW, {}))
    for _ in range(3):
        await lists._lists[WorkflowType.AIRFLOW].reload(0)
    await lists.check(WorkflowRequest(workflow_id="good", workflow_type=WorkflowType.AIRFLOW))
    assert [found.workflow_id for found in (await lists.listing())[0]] == ["w", "good"]
    assert caplog.text.count("not a usable JSON Schema") == 1


async def test_a_schema_that_changes_is_used_from_the_next_reload_on() -> None:
    lists, engine = lists_of({"required": ["day"]})
    with pytest.raises(ProblemError):
        await lists.check(request({}))
    engine.infos = [info("w", WorkflowType.AIRFLOW, {})]
    await lists._lists[WorkflowType.AIRFLOW].reload(0)
    await lists.check(request({}))
