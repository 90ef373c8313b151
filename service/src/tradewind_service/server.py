"""The HTTP server of a service."""

import uvicorn
from starlette.types import ASGIApp

SHUTDOWN_SECONDS = 10


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until the process is stopped; requests in progress get at most 10 seconds to finish."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        access_log=False,
        server_header=False,
    )
