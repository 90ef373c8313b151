"""The HTTP server of a service."""

import gc

import uvicorn
from starlette.types import ASGIApp

SHUTDOWN_SECONDS = 10


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until the process is stopped; requests in progress get at most 10 seconds to finish."""
    # What was imported is kept for good. Unfrozen, each full collection visits all of it: 40 ms without an answer.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        access_log=False,
        server_header=False,
    )
