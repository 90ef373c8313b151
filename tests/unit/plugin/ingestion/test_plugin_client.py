import json
from collections.abc import Callable

import httpx
import pytest
from airflow.sdk import Connection

from support.plugin_suite import cancel, item
from tradewind_airflow.ingestion.plugin_client import PluginClient
from tradewind_airflow.triggerer.errors import LoginError, UnreachableError
from tradewind_airflow.triggerer.session import base_url
from tradewind_contracts.batches import Outcome
from tradewind_contracts.problems import ProblemType, problem
from tradewind_service import airflow_login


def connection(host: str | None = "http://airflow", port: int | None = 8080, schema: str | None = None) -> Connection:
    return Connection(conn_id="a", host=host, port=port, schema=schema, login="ingest", password="secret")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (connection(), "http://airflow:8080"),
        (connection("https://airflow.example/base/", None), "https://airflow.example/base"),
        (connection("https://airflow.example/base", 8443), "https://airflow.example:8443/base"),
        (connection("airflow", 8080), "http://airflow:8080"),
        (connection("airflow", 443, "https"), "https://airflow:443"),
        (connection("http://airflow:9000", 8080), "http://airflow:9000"),
    ],
)
def test_the_address_is_the_connections(given: Connection, expected: str) -> None:
    assert base_url(given) == expected


class Airflow:
    """The HTTP side of an API server: a token, and one answer after the other."""

    def __init__(self, *answers: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answers = list(answers)
        self.logins = 0
        self.batches: list[int] = []
        self.tokens: list[str | None] = []
        self.requests: list[httpx.Request] = []
        self.list_answer = httpx.Response(200, json=[])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            self.logins += 1
            return httpx.Response(201, json={"access_token": f"token-{self.logins}"})
        if request.method == "GET":
            return self.list_answer
        self.requests.append(request)
        self.batches.append(len(json.loads(request.content).get("items", [])))
        self.tokens.append(request.headers.get("authorization"))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(request)

    def client(self) -> PluginClient:
        return PluginClient(connection(), httpx.MockTransport(self))


def created(request: httpx.Request) -> httpx.Response:
    items = json.loads(request.content)["items"]
    return httpx.Response(
        200, json={"items": [{"outcome": "created", "workflow_run_id": one["workflow_run_id"]} for one in items]}
    )


def status(code: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(code, text="no")


def test_one_token_serves_many_calls() -> None:
    airflow = Airflow(created)
    client = airflow.client()
    for _ in range(3):
        assert [result.outcome for result in client.trigger([item()])] == [Outcome.CREATED]
    assert airflow.logins == 1
    client.close()


@pytest.mark.parametrize("code", [401, 403])
def test_a_token_that_ran_out_is_replaced_once(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_login, "_MIN_AGE_SECONDS", 0.0)
    airflow = Airflow(status(code), created)
    assert airflow.client().trigger([item()])[0].outcome is Outcome.CREATED
    assert airflow.tokens == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("code", [401, 403])
def test_a_user_without_rights_is_said_to_be_one(code: int) -> None:
    with pytest.raises(LoginError, match="check login, password and role"):
        Airflow(status(code)).client().trigger([item()])


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (status(404), "plugins folder"),
        (status(500), "log"),
        (status(503), "log"),
        (status(200), "does not answer as"),
        (lambda _: httpx.Response(200, json={"items": []}), "0 items of 1"),
    ],
)
def test_a_server_that_is_not_well_says_what_to_look_at(
    answer: Callable[[httpx.Request], httpx.Response], advice: str
) -> None:
    with pytest.raises(UnreachableError, match=advice):
        Airflow(answer).client().trigger([item()])


def test_a_server_that_is_not_there_says_so() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = PluginClient(connection(), httpx.MockTransport(refuse))
    client.warm_up()
    with pytest.raises(UnreachableError, match="is Airflow's API server up"):
        client.trigger([item()])


def test_an_item_that_spoils_its_batch_is_found_and_costs_no_other_its_run() -> None:
    bad = item("spoilt")

    def answer(request: httpx.Request) -> httpx.Response:
        if b"spoilt" not in request.content:
            return created(request)
        return httpx.Response(413, text=problem(ProblemType.BODY_TOO_LARGE, "too much").model_dump_json())

    airflow = Airflow(answer)
    results = airflow.client().trigger([item(), item(), bad, item(), item()])
    outcomes = [result.outcome for result in results]
    assert outcomes == [Outcome.CREATED, Outcome.CREATED, Outcome.REJECTED, Outcome.CREATED, Outcome.CREATED]
    assert results[2].problem
    assert results[2].problem.type == ProblemType.BODY_TOO_LARGE.uri
    assert airflow.batches == [5, 2, 3, 1, 2]


def test_a_refusal_in_another_form_is_one_too() -> None:
    (result,) = Airflow(status(422)).client().trigger([item()])
    assert result.outcome is Outcome.REJECTED
    assert result.problem
    assert "422" in result.problem.detail


def refused(kind: ProblemType) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(kind.status, text=problem(kind, "because").model_dump_json())


def test_a_cancel_says_which_run_and_comes_with_its_key() -> None:
    airflow = Airflow(status(202))
    assert airflow.client().cancel(cancel("run+1", key="k")) is None
    (request,) = airflow.requests
    assert (request.url.path, dict(request.url.params)) == (
        "/tradewind/workflows/run+1/cancel",
        {"workflow_id": "test_typed"},
    )
    assert request.headers["idempotency-key"] == '"k"'
    assert json.loads(request.content) == {"mode": "force", "reason": "wrong file"}


@pytest.mark.parametrize("kind", [ProblemType.STATE_CONFLICT, ProblemType.UNKNOWN_RUN, ProblemType.FORBIDDEN])
def test_a_refused_cancel_is_told(kind: ProblemType) -> None:
    refusal = Airflow(refused(kind)).client().cancel(cancel("run"))
    assert refusal
    assert refusal.type == kind.uri


@pytest.mark.parametrize(
    "answer",
    [status(404), status(500), status(502), refused(ProblemType.ENGINE_UNAVAILABLE), refused(ProblemType.NOT_FOUND)],
)
def test_a_cancel_that_nobody_judged_is_asked_for_again(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    with pytest.raises(UnreachableError):
        Airflow(answer).client().cancel(cancel("run"))


def test_a_user_who_is_not_let_in_at_all_loses_no_cancel() -> None:
    airflow = Airflow(refused(ProblemType.FORBIDDEN))
    airflow.list_answer = httpx.Response(403)
    with pytest.raises(LoginError):
        airflow.client().cancel(cancel("run"))
