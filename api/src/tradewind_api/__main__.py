"""`python -m tradewind_api`: the facade at FASTAPI_HOST and FASTAPI_PORT."""

from tradewind_api.app import create_app
from tradewind_api.settings import Settings
from tradewind_service.server import serve


def main() -> None:
    """Serve until asked to stop."""
    settings = Settings()
    serve(create_app(settings), settings.fastapi_host, settings.fastapi_port)


if __name__ == "__main__":
    main()
