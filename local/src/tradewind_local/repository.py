"""Where the repository is, and what all of its stacks share."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def default_cache() -> Path:
    """The folder that all stacks share: TRADEWIND_CACHE_DIR, or `.local/cache` in the repository."""
    return Path(os.environ.get("TRADEWIND_CACHE_DIR") or ROOT / ".local" / "cache").absolute()
