"""Where Docker and Compose put the secrets of a container: a file for each, named as its variable in small letters."""

from pathlib import Path

_MOUNTED = Path("/run/secrets")

FOLDER = _MOUNTED if _MOUNTED.is_dir() else None
"""The `secrets_dir` of our services' settings; None outside of a container, as pydantic-settings warns of no folder."""
