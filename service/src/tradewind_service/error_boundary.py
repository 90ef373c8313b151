"""The outermost error handler of a service: the response to an unexpected error has no detail, the log has it."""

import logging
import uuid

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewind_contracts import problems
from tradewind_contracts.problems import ProblemType
from tradewind_service.problem_responses import respond

logger = logging.getLogger(__name__)


class ErrorBoundary:
    """ASGI middleware: an unexpected error becomes a 500 with an error id; the traceback is logged with that id.

    Once the response has started the error is re-raised: the server then closes the connection, so that no client takes
    half a response for a complete one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; respond if it fails before its response has started."""
        started = False

        async def observed_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        except ClientDisconnect:
            logger.info("the client disconnected before its body was read")
        except Exception:
            # The last resort of a server is the one place for a blind except.
            if scope["type"] != "http" or started:
                raise
            await _internal_error()(scope, receive, send)


def _internal_error() -> Response:
    error_id = str(uuid.uuid4())
    logger.exception("unexpected error %s", error_id, extra={"error_id": error_id})
    detail = f"See the server log for error id {error_id}"
    return respond(problems.problem(ProblemType.INTERNAL, detail))
