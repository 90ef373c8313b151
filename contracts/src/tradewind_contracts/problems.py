"""Errors as `application/problem+json` (RFC 9457): a stable `type`, and JSON pointers (RFC 6901) to each bad field."""

from collections.abc import Iterable, Sequence
from enum import Enum
from urllib.parse import quote

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"

_FRAGMENT_SAFE = "~!$&'()*+,;=:@?"
"""What a URI fragment may hold unescaped besides letters, digits and ``-._`` (RFC 3986)."""


class ProblemType(Enum):
    """Every problem that a Tradewind door answers: its stable name, title and HTTP status."""

    MALFORMED_BODY = ("malformed-body", "The body is not JSON as we take it", 400)
    UNAUTHENTICATED = ("unauthenticated", "Say who you are", 401)
    FORBIDDEN = ("forbidden", "You may not do this", 403)
    NOT_FOUND = ("not-found", "There is nothing at this path", 404)
    UNKNOWN_WORKFLOW = ("unknown-workflow", "There is no such workflow", 404)
    UNKNOWN_RUN = ("unknown-run", "There is no such run", 404)
    METHOD_NOT_ALLOWED = ("method-not-allowed", "This path does not take that method", 405)
    STATE_CONFLICT = ("state-conflict", "The run's state forbids this", 409)
    BODY_TOO_LARGE = ("body-too-large", "The body is too large", 413)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported-media-type", "Send application/json", 415)
    INVALID_REQUEST = ("invalid-request", "The request does not fit its schema", 422)
    INVALID_PARAMETERS = ("invalid-parameters", "The parameters do not fit the workflow's schema", 422)
    IDEMPOTENCY_CONFLICT = ("idempotency-conflict", "This id was used for another request", 422)
    INTERNAL = ("internal", "Something failed on our side", 500)
    KAFKA_UNAVAILABLE = ("kafka-unavailable", "The event log cannot be reached", 503)
    ENGINE_UNAVAILABLE = ("engine-unavailable", "The engine cannot be asked", 503)
    WORKFLOW_UNAVAILABLE = ("workflow-unavailable", "The workflow cannot be run right now", 503)

    def __init__(self, slug: str, title: str, status: int) -> None:
        self.slug = slug
        self.title = title
        self.status = status

    @property
    def uri(self) -> str:
        """The `type` member."""
        return f"urn:tradewind:problem:{self.slug}"


class FieldError(BaseModel):
    """One bad field: a JSON pointer as URI fragment, and what is wrong with it."""

    pointer: str = Field(examples=["#/parameters/isin"])
    detail: str


class Problem(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[FieldError] = Field(default_factory=list)
    retry_after: int | None = Field(default=None, description="Seconds; also the Retry-After header")


def problem(
    kind: ProblemType, detail: str, *, errors: Iterable[FieldError] = (), retry_after: int | None = None
) -> Problem:
    """Build the problem of a kind."""
    return Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=list(errors),
        retry_after=retry_after,
    )


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON pointer of a path into a document, as URI fragment: `("a/b", 0)` is `#/a~1b/0`.

    RFC 6901 sections 3 and 6. A lone surrogate, which no URI can carry, becomes a question mark.
    """
    return "#" + "".join("/" + _escaped(str(step)) for step in path)


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe=_FRAGMENT_SAFE, errors="replace")
