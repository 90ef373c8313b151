"""Problems: pointers by RFC 6901 section 6, stable names, one title and status each."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.problems import FieldError, ProblemType, pointer, problem


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ([], "#"),
        (["foo"], "#/foo"),
        (["foo", 0], "#/foo/0"),
        ([""], "#/"),
        (["a/b"], "#/a~1b"),
        (["c%d"], "#/c%25d"),
        (["e^f"], "#/e%5Ef"),
        (["g|h"], "#/g%7Ch"),
        (["i\\j"], "#/i%5Cj"),
        (['k"l'], "#/k%22l"),
        ([" "], "#/%20"),
        (["m~n"], "#/m~0n"),
        (["~1"], "#/~01"),
        (["é"], "#/%C3%A9"),
        (["\ud800"], "#/?"),
    ],
)
def test_the_rfc_s_own_examples(path: list[str | int], written: str) -> None:
    assert pointer(path) == written


@given(path=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_pointer_can_be_read_back(path: list[str]) -> None:
    written = pointer(path)
    assert re.fullmatch(r"#(/[A-Za-z0-9~!$&'()*+,;=:@?._%-]*)+", written)
    steps = unquote(written).removeprefix("#/").split("/")
    assert [step.replace("~1", "/").replace("~0", "~") for step in steps] == path


def test_types_are_distinct_and_errors() -> None:
    assert len({kind.uri for kind in ProblemType}) == len(ProblemType)
    assert all(kind.uri.startswith("urn:tradewind:problem:") and 400 <= kind.status < 600 for kind in ProblemType)
    assert all(kind.title for kind in ProblemType)


def test_a_problem_contains_all_its_fields() -> None:
    bad = FieldError(pointer="#/parameters/isin", detail="Field required")
    made = problem(ProblemType.INVALID_PARAMETERS, "one field is wrong", errors=[bad], retry_after=5)
    assert made.model_dump(exclude_none=True) == {
        "type": "urn:tradewind:problem:invalid-parameters",
        "title": "Invalid parameters",
        "status": 422,
        "detail": "one field is wrong",
        "errors": [{"pointer": "#/parameters/isin", "detail": "Field required"}],
        "retry_after": 5,
    }
