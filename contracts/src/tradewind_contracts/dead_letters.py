"""Dead letters: the record as it was, and one header that says why it could not be processed.

Key, value and headers are kept byte for byte, so that a replay is a plain produce. Duplicates have the same
`id`, which is derived from the record's position and the consumer group that dead-lettered it.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError

from tradewind_contracts import run_ids
from tradewind_contracts.problems import FieldError
from tradewind_contracts.records import Headers

HEADER = "tradewind-dead-letter"

MAX_DETAIL = 2000
MAX_ERRORS = 20


def _cut(text: object) -> object:
    # A dead letter must never be too large or invalid itself: then nothing could dead-letter the record.
    return text[:MAX_DETAIL].encode(errors="replace").decode() if isinstance(text, str) else text


def _cut_errors(errors: object) -> object:
    if not isinstance(errors, list):
        return errors
    return [_cut_error(error) if isinstance(error, FieldError) else error for error in errors[:MAX_ERRORS]]


def _cut_error(error: FieldError) -> FieldError:
    return FieldError.model_validate({name: _cut(text) for name, text in error})


class DeadLetter(BaseModel):
    """Why a record was dead-lettered, and its position."""

    reason: str = Field(description="A DecodeError's reason, or the slug of a problem type")
    detail: Annotated[str, BeforeValidator(_cut)] = Field(description="What was wrong; truncated to 2,000 characters")
    errors: Annotated[list[FieldError], BeforeValidator(_cut_errors)] = Field(
        default_factory=list, description="The first 20 invalid fields"
    )
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
        """The dead letter's identity, the same for each duplicate."""
        return run_ids.from_record(f"{self.consumer_group}/{self.topic}", self.partition, self.offset)


def headers(letter: DeadLetter, original: Iterable[tuple[str, str | bytes | None]] | None) -> Headers:
    """Return the headers of the dead-letter record: those of the original and the reason."""
    kept: Headers = [(name, raw) for name, raw in original or () if name != HEADER]
    return [*kept, (HEADER, letter.model_dump_json(exclude_none=True).encode())]


def read(headers: Iterable[tuple[str, str | bytes | None]] | None) -> DeadLetter | None:
    """Return the reason in a record of the dead-letter topic, or None where Tradewind did not write it."""
    raw = next((value for name, value in headers or () if name == HEADER), None)
    try:
        return DeadLetter.model_validate_json(raw) if raw else None
    except ValidationError:
        return None
