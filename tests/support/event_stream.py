"""Server-Sent Events as a client reads them (WHATWG HTML, section 9.2.6)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Sent:
    """One event, or a comment (`event` "comment")."""

    event: str
    id: str | None = None
    data: Any = None
    retry: int | None = None


def sent(response: httpx.Response) -> Iterator[Sent]:
    """Yield what comes, until the stream ends."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            yield Sent("comment")
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Sent(
                fields.get("event", "message"),
                fields.get("id"),
                json.loads(fields["data"]) if "data" in fields else None,
                int(fields["retry"]) if "retry" in fields else None,
            )
            fields = {}
