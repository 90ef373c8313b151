"""Dead letters: the record as it was, and one header that says why it could not be processed.

Key, value and headers are kept byte for byte, so that a replay is a plain produce. Repeats are told by `id`, which is
made from the record's position and the group that gave up on it.
"""

from collections.abc import Iterable

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from tradewind_contracts import run_ids
from tradewind_contracts.problems import FieldError
from tradewind_contracts.records import Headers

HEADER = "tradewind-dead-letter"


class DeadLetter(BaseModel):
    """Why a record was given up, and where it stood."""

    reason: str = Field(description="A DecodeError's reason, or the slug of a problem type")
    detail: str = Field(max_length=2000)
    errors: list[FieldError] = Field(default_factory=list)
    topic: str
    partition: int
    offset: int
    consumer_group: str
    dead_lettered_at: AwareDatetime
    workflow_run_id: str | None = None
    workflow_id: str | None = None
    workflow_type: str | None = None

    @property
    def id(self) -> str:
        """The letter's identity: the same for each repeat."""
        return run_ids.from_record(f"{self.consumer_group}/{self.topic}", self.partition, self.offset)


def headers(letter: DeadLetter, original: Iterable[tuple[str, bytes | None]] | None) -> Headers:
    """Return the headers of the dead letter's record: the original's, and the reason."""
    kept = [(name, raw or b"") for name, raw in original or () if name != HEADER]
    return [*kept, (HEADER, letter.model_dump_json(exclude_none=True).encode())]


def read(headers: Iterable[tuple[str, bytes | None]] | None) -> DeadLetter | None:
    """Return the reason that a record of the dead-letter topic carries, or None where it carries none of ours."""
    raw = next((value for name, value in headers or () if name == HEADER), None)
    try:
        return DeadLetter.model_validate_json(raw) if raw else None
    except ValidationError:
        return None
