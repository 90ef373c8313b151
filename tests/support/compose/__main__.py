"""`python -m support.compose`: make the base images, and say what is real and what stands in."""

import sys

from rich.console import Console
from rich.table import Table

from support.compose.bases import BASES, WITHOUT_STAND_IN, Found, ensure
from support.compose.engine import EngineError, engine
from tradewind_local.repository import ROOT


def table(found: list[Found]) -> Table:
    """What each base image is."""
    rows = Table("image", "is", "how it differs", "s", title="Base images")
    for base in found:
        rows.add_row(base.tag, "real" if base.is_real else "stand-in", base.difference, f"{base.seconds:.0f}")
    for tag, why in WITHOUT_STAND_IN.items():
        rows.add_row(tag, "left out", why, "")
    return rows


def main() -> int:
    """Make those that are named by a part of their tag; all without a name."""
    wanted = tuple(base for base in BASES if not sys.argv[1:] or any(name in base.tag for name in sys.argv[1:]))
    console = Console(width=160)
    try:
        with engine(ROOT / ".local" / "docker") as running:
            console.print(table(list(ensure(running, wanted))))
    except EngineError as error:
        console.print(f"error: {error}", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
