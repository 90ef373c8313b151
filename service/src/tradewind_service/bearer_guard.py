"""Authentication of a whole app: every path that is not listed as public needs a bearer token (RFC 6750)."""

import hashlib
import hmac
from collections.abc import Collection, Mapping

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from tradewind_contracts.problems import ProblemType, problem
from tradewind_service.problem_responses import respond


class BearerGuard:
    """ASGI middleware: 401 without a known token, else `request.state.caller` is the name of the token's caller.

    It runs before routing: a new route, a mount or an unknown path is protected unless its path is in `public`.
    """

    def __init__(self, app: ASGIApp, tokens: Mapping[str, SecretStr], public: Collection[str]) -> None:
        self._app = app
        self._callers = {_digest(token.get_secret_value().encode()): name for name, token in tokens.items()}
        self._public = frozenset(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "lifespan" and _path(scope) not in self._public:
            caller = self._caller(scope)
            if caller is None:
                await _unauthenticated(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> str | None:
        header: bytes = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        offered = _digest(token.strip())
        # No early exit: the time taken must not reveal which callers exist.
        matches = [name for digest, name in self._callers.items() if hmac.compare_digest(digest, offered)]
        return matches[0] if matches else None


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))  # as behind a proxy that serves us below a path


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


async def _unauthenticated(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = problem(ProblemType.UNAUTHENTICATED, "send `Authorization: Bearer <token>` with a known token")
    await respond(refusal)(scope, receive, send)
