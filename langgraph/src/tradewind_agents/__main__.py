"""`python -m tradewind_agents`: the agents service at LANGGRAPH_HOST and LANGGRAPH_PORT."""

from tradewind_agents.app import create_app
from tradewind_agents.settings import Settings
from tradewind_service.server import serve


def main() -> None:
    """Serve until the process is stopped; then runs drain for LANGGRAPH_DRAIN_SECONDS."""
    settings = Settings()
    serve(create_app(settings), settings.host, settings.port)


if __name__ == "__main__":
    main()
