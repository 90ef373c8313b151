"""`python -m tradewind_api`: the facade at FASTAPI_HOST and FASTAPI_PORT."""

import uvicorn

from tradewind_api.app import create_app
from tradewind_api.settings import Settings


def main() -> None:
    """Serve until told to stop; calls that are being answered get their answer first."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.fastapi_host,
        port=settings.fastapi_port,
        timeout_graceful_shutdown=10,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
