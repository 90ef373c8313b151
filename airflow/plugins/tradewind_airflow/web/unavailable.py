"""The app that Airflow mounts if ours cannot be created. It imports only Starlette."""

import json
import logging
import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_REASON = 300

_CREDENTIALS = re.compile(r"//[^/\s]*@")


def unavailable_app(error: Exception) -> ASGIApp:
    """Return an ASGI app that responds to every request with 503 and the reason, which is logged once."""
    reason = _reason(error)
    logger.error("Tradewind cannot be loaded; Airflow runs without it, and /tradewind answers 503: %s", reason)
    # Not by the contract's models: what cannot be imported may be just these.
    problem = {
        "type": "urn:tradewind:problem:engine-unavailable",
        "title": "Engine unavailable",
        "status": 503,
        "detail": f"Tradewind's plugin cannot be loaded: {reason}",
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # A new one for each request: Airflow's middleware changes its headers.
        response = Response(json.dumps(problem), 503, media_type="application/problem+json")
        await response(scope, receive, send)

    return answer


def _reason(error: Exception) -> str:
    """Return the error's class and the first line of its message, without a URL's credentials."""
    message = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {_CREDENTIALS.sub('//***@', message)}"[:MAX_REASON]
