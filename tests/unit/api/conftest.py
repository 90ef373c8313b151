from collections.abc import AsyncIterator

import pytest

from support.facade import Facade, facade_settings
from tradewind_api.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return facade_settings()


@pytest.fixture
async def facade(settings: Settings) -> AsyncIterator[Facade]:
    """The facade's app, running in this process, with fakes for Kafka and the engines, whose lists it has read."""
    async with Facade().running(settings) as running:
        await running.app.state.services.workflow_lists.listing()
        yield running
