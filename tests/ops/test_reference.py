"""Variables and ports are described once: what is generated from the settings is committed, and defaults agree."""

import re
from pathlib import Path

import pytest

from support.airflow_home import ROOT
from tradewind_agents.settings import Settings as AgentsSettings
from tradewind_api.settings import Settings as ApiSettings
from tradewind_local.settings import LocalSettings
from tradewind_reference.pages import pages
from tradewind_reference.variables import COMPOSE, sections

PAGES = pages()
VARIABLES = {variable.name: variable for section in sections() for variable in section.variables}


@pytest.mark.parametrize("page", list(PAGES), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_committed_page_is_what_the_tool_writes(page: Path) -> None:
    assert PAGES[page].count("\n") > 20
    assert page.read_text() == PAGES[page], "run `make reference`"


def test_every_variable_is_described_and_in_one_section() -> None:
    assert [name for name, variable in VARIABLES.items() if not variable.description] == []
    names = [variable.name for section in sections() for variable in section.variables]
    assert len(names) == len(set(names))


def test_the_containers_and_the_local_stack_have_the_services_default_ports() -> None:
    assert LocalSettings.model_fields["api_port"].default == ApiSettings.model_fields["fastapi_port"].default
    assert LocalSettings.model_fields["agents_port"].default == AgentsSettings.model_fields["port"].default
    published = dict(re.findall(r"\$\{([A-Z_]+_PORT):-(\d+)\}", COMPOSE))
    assert len(published) > 5
    assert published == {name: VARIABLES[name].default for name in published}
