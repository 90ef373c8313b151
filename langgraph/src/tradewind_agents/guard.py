"""The guard of the whole app: whatever is not listed as public needs the bearer token."""

import hmac

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from tradewind_agents.errors import problem_response
from tradewind_contracts.problems import ProblemType, problem

PUBLIC = frozenset({"/livez", "/readyz", "/metrics"})
"""The only paths that answer without a token."""


class BearerGuard:
    """ASGI middleware (RFC 6750). It stands before the routing, so that a new route is guarded without a word."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app = app
        self._expected = f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "lifespan" or scope["path"] in PUBLIC or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(ProblemType.UNAUTHENTICATED, "send the header `Authorization: Bearer <token>`")
        response = problem_response(refusal, {"WWW-Authenticate": "Bearer"})
        await response(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self._expected)
