"""Strict, bounded JSON (RFC 8259, and I-JSON's RFC 7493 where 8259 leaves room).

Each of these is rejected with a named fault, never with a crash: bytes that are not UTF-8, duplicate keys, NaN and
infinities, too deep or too large a text, strings that a Postgres ``jsonb`` cannot store (NUL, lone surrogates), and
integers of more than 64 bits, which LangGraph's checkpoints cannot store.
"""

import json
import math
from enum import StrEnum
from typing import Annotated, Any, Final, Never, TypeVar

from pydantic import AfterValidator, ValidationInfo

MAX_DEPTH = 32
MAX_BYTES = 512 * 1024
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

_T = TypeVar("_T")


class JsonFault(StrEnum):
    """Why a text was rejected."""

    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    DUPLICATE_KEY = "duplicate-key"
    NOT_A_NUMBER = "not-a-number"
    TOO_DEEP = "too-deep"
    UNSTORABLE_TEXT = "unstorable-text"


class JsonError(ValueError):
    """A text that is not JSON within our limits; `fault` is the rule that it breaks."""

    def __init__(self, fault: JsonFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


def loads(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value that `data` (UTF-8 JSON) holds; raise `JsonError`."""
    if len(data) > max_bytes:
        raise JsonError(JsonFault.TOO_LARGE, f"{len(data)} bytes; at most {max_bytes} are accepted")
    value = _parse(_text(data))
    check(value, max_depth=max_depth)
    return value


def check(value: Any, *, max_depth: int = MAX_DEPTH) -> None:
    """Raise `JsonError` where a parsed value is nested too deep or contains what cannot be stored."""
    level: list[Any] = [value]
    for _ in range(max_depth + 1):
        level = _checked_children(level)
        if not level:
            return
    raise JsonError(JsonFault.TOO_DEEP, f"nested deeper than {max_depth} levels")


PARSED: Final = "parsed"
"""The context of a validation whose input `loads` returned: what it has checked is not walked again."""


def _checked(value: _T, info: ValidationInfo) -> _T:
    if info.context is not PARSED:
        check(value)
    return value


JsonValue = Annotated[Any, AfterValidator(_checked)]
"""Any JSON value whose depth and strings were checked, however it arrived."""

JsonObject = Annotated[dict[str, Any], AfterValidator(_checked)]
"""A JSON object whose depth and strings were checked, however it arrived."""


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError(JsonFault.NOT_UTF8, f"not UTF-8 at byte {error.start}") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant)
    except JsonError:
        raise
    except RecursionError as error:
        raise JsonError(JsonFault.TOO_DEEP, "nested too deep to be read") from error
    except ValueError as error:
        raise JsonError(JsonFault.NOT_JSON, f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() is the point
        raise JsonError(JsonFault.DUPLICATE_KEY, f"the key {repeated[:80]!r} occurs twice in one object")
    return result


def _int(text: str) -> int:
    # Checked before the conversion: Python raises an error of its own for thousands of digits.
    if len(text) > len(str(MIN_INTEGER)):
        raise JsonError(JsonFault.NOT_A_NUMBER, f"{text[:40]}… has more than 64 bits; send it as a string")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JsonError(JsonFault.NOT_A_NUMBER, f"{text[:40]} is too large for a number")
    return value


def _constant(text: str) -> Never:
    raise JsonError(JsonFault.NOT_A_NUMBER, f"{text} is not a JSON number")


def _checked_children(level: list[Any]) -> list[Any]:
    children: list[Any] = []
    for item in level:
        if isinstance(item, dict):
            children += item.keys()
            children += item.values()
        elif isinstance(item, list | tuple):
            children += item
        else:
            _check_scalar(item)
    return children


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or not _encodable(value):
            raise JsonError(JsonFault.UNSTORABLE_TEXT, "a string holds NUL or a lone surrogate, which cannot be stored")
    elif isinstance(value, int):
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise JsonError(JsonFault.NOT_A_NUMBER, "an integer has more than 64 bits; send it as a string")
    elif isinstance(value, float) and not math.isfinite(value):
        raise JsonError(JsonFault.NOT_A_NUMBER, f"{value} is not a JSON number")


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
