"""Stacks of one test's own: in a temporary home, on free ports, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.servers import temporary_home
from tradewind_local.settings import PORTS, LocalSettings, port_variable
from tradewind_local.stack import Stack

ON_FREE_PORTS = {port_variable(part): "0" for part in PORTS}


@contextmanager
def own_stack(**rows: str) -> Iterator[Stack]:
    """A stack that is not up yet, with `rows` in its env file; it is brought down at the end."""
    with temporary_home() as home:
        lines = [f"{name}='{value}'" for name, value in (ON_FREE_PORTS | rows).items()]
        (home / ".env").write_text("\n".join([*lines, ""]))
        stack = Stack(LocalSettings.load(home))
        try:
            yield stack
        finally:
            stack.down()
