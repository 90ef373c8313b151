"""The log-in to Airflow: bounded, and shared by all requests of a client."""

import asyncio
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from tradewind_service import airflow_login
from tradewind_service.airflow_login import AirflowLogin, AirflowLoginError

BASE = "http://airflow:8080"


def login(base_url: str = BASE) -> AirflowLogin:
    return AirflowLogin(base_url, "ingest", SecretStr("secret"))


class Airflow:
    """Accepts the token that it gave last, once `generation` tokens were given."""

    def __init__(self) -> None:
        self.logins = 0
        self.valid = "token-1"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == airflow_login.TOKEN_PATH:
            self.logins += 1
            self.valid = f"token-{self.logins}"
            return httpx.Response(201, json={"access_token": self.valid})
        known = request.headers["authorization"] == f"Bearer {self.valid}"
        return httpx.Response(200 if known else 403)

    def restart(self) -> None:
        """Sign with another secret from now on."""
        self.valid = "none"


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # the system accepts for it
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_log_in_has_the_time_out_of_its_client(silent_server: str) -> None:
    with httpx.Client(auth=login(silent_server), timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{silent_server}/tradewind/workflows")


async def test_a_log_in_has_the_time_out_of_its_asynchronous_client(silent_server: str) -> None:
    async with httpx.AsyncClient(auth=login(silent_server), timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{silent_server}/tradewind/workflows")


async def test_after_a_restart_with_another_secret_all_requests_at_once_get_the_new_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    airflow = Airflow()
    async with httpx.AsyncClient(auth=login(), transport=httpx.MockTransport(airflow), base_url=BASE) as client:
        assert (await client.get("/x")).status_code == 200
        monkeypatch.setattr(airflow_login, "_MIN_AGE_SECONDS", 0.0)
        airflow.restart()
        found = [answer.status_code for answer in await asyncio.gather(*(client.get("/x") for _ in range(10)))]
    assert found == [200] * 10
    assert airflow.logins == 2


def test_the_403_of_a_fresh_token_is_the_answer() -> None:
    airflow = Airflow()
    with httpx.Client(auth=login(), transport=httpx.MockTransport(airflow), base_url=BASE) as client:
        client.get("/x")
        airflow.restart()
        assert client.get("/x").status_code == 403
    assert airflow.logins == 1


def answer(status: int, **content: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, **content)  # type: ignore[arg-type]  # as httpx takes it


@pytest.mark.parametrize(
    "given",
    [
        answer(401),
        answer(500),
        answer(201, text="no json"),
        answer(201, json=[]),
        answer(201, json={"access_token": 1}),
    ],
)
def test_an_answer_without_a_token_is_an_error_and_holds_no_lock(
    given: Callable[[httpx.Request], httpx.Response],
) -> None:
    with httpx.Client(auth=login(), transport=httpx.MockTransport(given), base_url=BASE) as client:
        for _ in range(2):
            with pytest.raises(AirflowLoginError, match="no token"):
                client.get("/x")
