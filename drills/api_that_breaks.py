"""The real API with one route that breaks, for `make test-alerts`: its 500 is the one that any bug would answer."""

from fastapi import FastAPI

from tradewind_api import app as api


def create_app() -> FastAPI:
    """Return the API; its settings come from the environment."""
    app = api.create_app()
    app.add_api_route("/workflows/broken", _broken, methods=["GET"])
    return app


async def _broken() -> None:
    raise RuntimeError("as the drill asks")
