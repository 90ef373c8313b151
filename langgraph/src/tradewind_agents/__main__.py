"""`python -m tradewind_agents`: the agents service at LANGGRAPH_HOST and LANGGRAPH_PORT."""

import uvicorn

from tradewind_agents.app import create_app
from tradewind_agents.settings import Settings


def main() -> None:
    """Serve until told to stop; then calls get their answer, and after that runs drain for LANGGRAPH_DRAIN_SECONDS."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=10,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
