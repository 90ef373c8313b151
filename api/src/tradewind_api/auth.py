"""Who calls: static bearer tokens (RFC 6750), each with the name of its caller. Closed but for a public list."""

import hashlib
import hmac
from collections.abc import Mapping

from fastapi import Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from typing_extensions import override

from tradewind_api.errors import ApiError
from tradewind_contracts.problems import ProblemType

PUBLIC = frozenset({"/", "/health", "/livez", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json"})
"""Route templates that need no token. Every other route does."""


class Guard(HTTPBearer):
    """The dependency of the whole app: 401 for whoever brings no token of ours; else `request.state.caller` is set."""

    def __init__(self, tokens: Mapping[str, SecretStr]) -> None:
        super().__init__(auto_error=False, scheme_name="bearer", description="A caller's token, see API_TOKENS")
        self._callers = [(name, _digest(token.get_secret_value())) for name, token in tokens.items()]

    @override
    async def __call__(self, request: Request) -> HTTPAuthorizationCredentials | None:
        if request.scope["route"].path in PUBLIC:
            return None
        credentials = await super().__call__(request)
        caller = self._caller(credentials.credentials) if credentials else None
        if caller is None:
            raise ApiError(ProblemType.UNAUTHENTICATED, "send Authorization: Bearer and a token that is known here")
        request.state.caller = caller
        return credentials

    def _caller(self, token: str) -> str | None:
        offered = _digest(token)
        # No early exit: the time taken must not tell which callers exist.
        matches = [name for name, digest in self._callers if hmac.compare_digest(digest, offered)]
        return matches[0] if matches else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
