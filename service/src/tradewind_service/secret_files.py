"""The folder in which Docker and Compose mount secrets: one file each, named like the variable in lower case."""

from pathlib import Path

_MOUNTED = Path("/run/secrets")

FOLDER = _MOUNTED if _MOUNTED.is_dir() else None
"""The `secrets_dir` of the services' settings; None outside a container, where pydantic-settings would warn."""
