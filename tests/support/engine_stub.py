"""A small HTTP server that speaks the engines' two paths and Airflow's token API, told by a test what to say.

It stands in for an engine where the facade's side of the wire is what is tested; the real engines are met end to end.
"""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tradewind_contracts import problems
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus

USERNAME, PASSWORD = "facade", "a-password-for-tests"


def jwt(expires_at: float, serial: int = 0) -> str:
    """A token in JWT's shape; nobody here checks its signature."""
    parts = [{"alg": "none"}, {"exp": expires_at, "serial": serial}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


@dataclass
class EngineStub:
    """What the engine knows, which tokens it takes, and what it was asked."""

    infos: list[WorkflowInfo] = field(default_factory=list)
    runs: dict[str, WorkflowStatus] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    lifetime_seconds: float = 3600.0
    refusal: int = 401
    answer: Response | None = None
    asked: list[str] = field(default_factory=list)

    def app(self, prefix: str = "") -> Starlette:
        """The server; `prefix` is where the plugin is mounted in Airflow."""
        return Starlette(
            routes=[
                Route("/auth/token", self._token, methods=["POST"]),
                Route(f"{prefix}/workflows", self._workflows),
                Route(f"{prefix}/workflows/{{run_id}}/status", self._status),
            ]
        )

    async def _token(self, request: Request) -> Response:
        self.asked.append("token")
        if await request.json() != {"username": USERNAME, "password": PASSWORD}:
            return JSONResponse({"detail": "Invalid credentials"}, 401)
        token = jwt(time.time() + self.lifetime_seconds, len(self.asked))
        self.tokens.add(token)
        return JSONResponse({"access_token": token}, 201)

    async def _workflows(self, request: Request) -> Response:
        self.asked.append("workflows")
        return self._refused(request) or self.answer or _json([info.model_dump() for info in self.infos])

    async def _status(self, request: Request) -> Response:
        self.asked.append("status")
        if early := self._refused(request) or self.answer:
            return early
        run = self.runs.get(request.path_params["run_id"])
        return _json(run.model_dump(mode="json")) if run else unknown_run()

    def _refused(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return None if token in self.tokens else JSONResponse({"detail": "Not authenticated"}, self.refusal)


def unknown_run() -> Response:
    """The engine's own 404."""
    problem = problems.problem(ProblemType.UNKNOWN_RUN, "there is no such run")
    return JSONResponse(problem.model_dump(), 404, media_type=problems.MEDIA_TYPE)


def _json(content: Any) -> Response:
    return JSONResponse(content)
