import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from support.engine_stub import PASSWORD, USERNAME, EngineStub, unknown_run
from support.engine_suite import INFO, EngineSuite, FakeEngine, run_status
from tradewind_api.engines import EngineDownError, HttpEngine
from tradewind_api.metrics import Metrics
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus, WorkflowType
from tradewind_service import airflow_login as login_module
from tradewind_service.airflow_login import AirflowLogin, BearerAuth

BASE = "http://airflow"


@dataclass
class FakeSubject:
    engine: FakeEngine = field(default_factory=lambda: FakeEngine([INFO], {"r": run_status("r")}))
    known_run: WorkflowStatus = field(default_factory=lambda: run_status("r"))
    known_workflow: WorkflowInfo = field(default_factory=lambda: INFO)

    async def take_down(self) -> None:
        self.engine.down = True


class TestFakeEngine(EngineSuite):
    """The fake does what the real ones do."""

    @pytest.fixture
    def subject(self) -> FakeSubject:
        return FakeSubject()


@dataclass
class HttpSubject:
    stub: EngineStub
    client: httpx.AsyncClient
    engine: HttpEngine
    metrics: Metrics
    known_run: WorkflowStatus = field(default_factory=lambda: run_status("r"))
    known_workflow: WorkflowInfo = field(default_factory=lambda: INFO)

    async def take_down(self) -> None:
        self.stub.answer = Response("bad gateway", 502)


def airflow_login(password: str = PASSWORD) -> AirflowLogin:
    return AirflowLogin(BASE, USERNAME, SecretStr(password))


@contextlib.asynccontextmanager
async def http_subject(
    auth: httpx.Auth, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[HttpSubject]:
    stub = EngineStub([INFO], {"r": run_status("r")})
    chosen = transport or httpx.ASGITransport(stub.app("/tradewind"))
    metrics = Metrics()
    async with httpx.AsyncClient(transport=chosen, base_url=f"{BASE}/tradewind/", auth=auth) as client:
        yield HttpSubject(stub, client, HttpEngine(WorkflowType.AIRFLOW, client, metrics, 0.5), metrics)


@pytest.fixture
async def subject() -> AsyncIterator[HttpSubject]:
    async with http_subject(airflow_login()) as found:
        yield found


class TestHttpEngine(EngineSuite):
    """The client, over HTTP's shape but no network, against a server that speaks the contract."""


async def test_a_token_is_asked_for_once_by_all_who_need_one(subject: HttpSubject) -> None:
    await asyncio.gather(*(subject.engine.status("r") for _ in range(20)))
    assert subject.stub.asked.count("token") == 1


@pytest.mark.parametrize("refusal", [401, 403])
async def test_a_token_that_is_refused_is_replaced_once_for_all(
    subject: HttpSubject, refusal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subject.engine.status("r")
    monkeypatch.setattr(login_module, "_MIN_AGE_SECONDS", 0.0)
    subject.stub.tokens.clear()
    subject.stub.refusal = refusal
    answers = await asyncio.gather(*(subject.engine.status("r") for _ in range(20)))
    assert {answer is not None for answer in answers} == {True}
    assert subject.stub.asked.count("token") == 2


async def test_a_token_that_ends_is_replaced_before_it_is_used(subject: HttpSubject) -> None:
    subject.stub.lifetime_seconds = 0.05
    await subject.engine.status("r")
    await asyncio.sleep(0.06)
    subject.stub.lifetime_seconds = 3600
    await subject.engine.status("r")
    await subject.engine.status("r")
    assert subject.stub.asked == ["token", "status", "token", "status", "status"]


async def test_a_user_who_may_not_is_not_asked_for_tokens_without_end(subject: HttpSubject) -> None:
    subject.stub.answer = Response("forbidden", 403)
    for _ in range(5):
        with pytest.raises(EngineDownError, match="403"):
            await subject.engine.status("r")
    assert subject.stub.asked.count("token") == 1


async def test_a_wrong_password_is_an_engine_that_is_down_and_is_not_told() -> None:
    async with http_subject(airflow_login("the-wrong-password")) as subject:
        with pytest.raises(EngineDownError) as raised:
            await subject.engine.workflows()
        assert "no token: 401" in str(raised.value)
        assert "the-wrong-password" not in str(raised.value)


@pytest.mark.parametrize("body", [{}, {"access_token": None}, []])
async def test_an_answer_without_a_token_is_an_engine_that_is_down(body: object) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json=body))
    async with http_subject(airflow_login(), transport) as subject:
        with pytest.raises(EngineDownError, match="no token"):
            await subject.engine.workflows()


async def test_a_token_in_no_shape_of_jwt_is_used_until_it_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        opaque = request.url.path == "/auth/token"
        return httpx.Response(201, json={"access_token": "opaque"}) if opaque else httpx.Response(200, json=[])

    async with http_subject(airflow_login(), httpx.MockTransport(answer)) as subject:
        assert await subject.engine.workflows() == []


async def test_a_static_token_is_sent_as_bearer() -> None:
    async with http_subject(BearerAuth(SecretStr("the-agents-token"))) as subject:
        subject.stub.tokens.add("the-agents-token")
        assert await subject.engine.status("r") == run_status("r")
        assert subject.stub.asked == ["status"]


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({"detail": "Not Found"}, 404),
        Response("<html>not here</html>", 404),
        JSONResponse({"workflow_run_id": "r"}),
        JSONResponse([1]),
        Response("not json"),
        unknown_run().__class__({"type": "urn:tradewind:problem:not-found"}, 404),
    ],
)
async def test_only_the_engines_own_word_counts(subject: HttpSubject, answer: Response) -> None:
    subject.stub.answer = answer
    with pytest.raises(EngineDownError):
        await subject.engine.status("r")
    with pytest.raises(EngineDownError):
        await subject.engine.workflows()


async def test_a_path_in_a_run_id_is_never_followed(subject: HttpSubject) -> None:
    assert await subject.engine.status("..") is None
    assert subject.stub.asked == []


async def test_workflows_of_another_type_are_left_out(subject: HttpSubject) -> None:
    other = WorkflowInfo(workflow_id="x", workflow_type=WorkflowType.LANGGRAPH, description="", parameters_schema={})
    subject.stub.infos.append(other)
    assert await subject.engine.workflows() == [INFO]


async def test_one_bad_entry_costs_that_entry_and_is_logged_once(
    subject: HttpSubject, caplog: pytest.LogCaptureFixture
) -> None:
    subject.stub.answer = JSONResponse([INFO.model_dump(mode="json"), {"workflow_id": "ü"}])
    for _ in range(3):
        assert await subject.engine.workflows() == [INFO]
    assert len(caplog.messages) == 1


async def test_one_bad_field_of_a_status_costs_that_field(subject: HttpSubject) -> None:
    subject.stub.answer = JSONResponse(run_status("r").model_dump(mode="json") | {"workflow_id": "ü"})
    assert await subject.engine.status("r") == run_status("r")


async def flaky(errors: list[Exception]) -> tuple[object, int, Metrics]:
    """The outcome of one question to an engine whose connection fails so, the tries made, the metrics."""
    tries = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        if errors:
            raise errors.pop(0)
        return httpx.Response(200, json=[])

    async with http_subject(BearerAuth(SecretStr("t")), httpx.MockTransport(answer)) as subject:
        try:
            outcome: object = await subject.engine.workflows()
        except EngineDownError as error:
            outcome = error
        return outcome, tries, subject.metrics


async def test_a_connection_that_broke_is_tried_once_more() -> None:
    outcome, tries, metrics = await flaky([httpx.RemoteProtocolError("closed")])
    assert (outcome, tries) == ([], 2)
    assert metrics.registry.get_sample_value("tradewind_engine_up", {"engine": "airflow"}) == 1


async def test_an_engine_that_is_not_there_is_down_after_two_tries() -> None:
    outcome, tries, metrics = await flaky([httpx.ConnectError("refused")] * 5)
    assert isinstance(outcome, EngineDownError)
    assert tries == 2
    assert metrics.registry.get_sample_value("tradewind_engine_up", {"engine": "airflow"}) == 0


async def test_an_engine_that_is_slow_is_down_and_not_asked_twice() -> None:
    outcome, tries, _ = await flaky([httpx.ReadTimeout("slow")] * 5)
    assert isinstance(outcome, EngineDownError)
    assert tries == 1


async def test_no_answer_takes_longer_than_the_time_out() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async with http_subject(BearerAuth(SecretStr("t")), httpx.MockTransport(hang)) as subject:
        with pytest.raises(EngineDownError, match="TimeoutError"):
            await asyncio.wait_for(subject.engine.workflows(), 5)


async def test_a_connection_is_in_use_while_the_engine_is_asked() -> None:
    in_use: list[float | None] = []

    def read() -> None:
        labels = {"engine": "airflow"}
        in_use.append(asked.metrics.registry.get_sample_value("tradewind_engine_requests_inprogress", labels))

    def answer(_: httpx.Request) -> httpx.Response:
        read()
        return httpx.Response(200, json=[])

    async with http_subject(BearerAuth(SecretStr("t")), httpx.MockTransport(answer)) as asked:
        read()
        await asked.engine.workflows()
        read()
    assert in_use == [0, 1, 0]
