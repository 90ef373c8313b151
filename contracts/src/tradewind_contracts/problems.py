"""Errors as `application/problem+json` (RFC 9457): a stable `type`, and JSON pointers (RFC 6901) to invalid fields."""

from collections.abc import Iterable, Sequence
from enum import Enum
from urllib.parse import quote

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"

_FRAGMENT_SAFE = "~!$&'()*+,;=:@?"
"""What a URI fragment may hold unescaped besides letters, digits and ``-._`` (RFC 3986)."""


class ProblemType(Enum):
    """Every problem that a Tradewind API returns: its stable name, title and HTTP status."""

    MALFORMED_BODY = ("malformed-body", "Malformed JSON", 400)
    UNAUTHENTICATED = ("unauthenticated", "Unauthenticated", 401)
    FORBIDDEN = ("forbidden", "Forbidden", 403)
    NOT_FOUND = ("not-found", "Not Found", 404)
    UNKNOWN_WORKFLOW = ("unknown-workflow", "Unknown workflow", 404)
    UNKNOWN_RUN = ("unknown-run", "Unknown run", 404)
    METHOD_NOT_ALLOWED = ("method-not-allowed", "Method Not Allowed", 405)
    STATE_CONFLICT = ("state-conflict", "Conflict with the run's state", 409)
    BODY_TOO_LARGE = ("body-too-large", "Content Too Large", 413)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported-media-type", "Unsupported Media Type", 415)
    INVALID_REQUEST = ("invalid-request", "Invalid request", 422)
    INVALID_PARAMETERS = ("invalid-parameters", "Invalid parameters", 422)
    IDEMPOTENCY_CONFLICT = ("idempotency-conflict", "Id already used for another request", 422)
    INTERNAL = ("internal", "Internal Server Error", 500)
    KAFKA_UNAVAILABLE = ("kafka-unavailable", "Event log unavailable", 503)
    ENGINE_UNAVAILABLE = ("engine-unavailable", "Engine unavailable", 503)
    WORKFLOW_UNAVAILABLE = ("workflow-unavailable", "Workflow unavailable", 503)

    def __init__(self, slug: str, title: str, status: int) -> None:
        self.slug = slug
        self.title = title
        self.status = status

    @property
    def uri(self) -> str:
        """The `type` member."""
        return f"urn:tradewind:problem:{self.slug}"


class FieldError(BaseModel):
    """One invalid field: a JSON pointer as URI fragment, and what is wrong with it."""

    pointer: str = Field(examples=["#/parameters/isin"])
    detail: str


class Problem(BaseModel):
    """The body of every error response."""

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
