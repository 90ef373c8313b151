from typing import Any

import pytest
from airflow.serialization.definitions.notset import NOTSET
from airflow.serialization.definitions.param import SerializedParam, SerializedParamsDict
from jsonschema import Draft202012Validator

from tradewind_airflow.runs.parameters import MAX_DETAIL, MAX_ERRORS, ParameterSchema

PARAMS = SerializedParamsDict(
    {
        "isin": SerializedParam(NOTSET, "ISO 6166", type="string", pattern="^[A-Z]{2}"),
        "quantity": SerializedParam(100, type="integer", minimum=1),
        "desk": SerializedParam(None, type=["null", "string"]),
        "broken": SerializedParam(None, type="string"),
        "legs": SerializedParam([], type="array", items={"type": "object", "required": ["side"]}),
        "anything": SerializedParam("goes"),
    }
)


@pytest.fixture
def schema() -> ParameterSchema:
    return ParameterSchema.of(PARAMS)


def pointers(schema: ParameterSchema, parameters: dict[str, Any]) -> list[str]:
    return sorted(error.pointer for error in schema.errors(parameters))


def test_the_document_is_a_json_schema(schema: ParameterSchema) -> None:
    Draft202012Validator.check_schema(schema.document)
    assert schema.document["properties"]["isin"] == {
        "type": "string",
        "pattern": "^[A-Z]{2}",
        "description": "ISO 6166",
    }
    assert schema.document["properties"]["quantity"]["default"] == 100


def test_required_is_what_has_no_default_that_fits(schema: ParameterSchema) -> None:
    assert schema.document["required"] == ["isin", "broken"]
    assert "default" not in schema.document["properties"]["broken"]
    assert schema.document["properties"]["desk"]["default"] is None


def test_a_run_may_have_what_fits(schema: ParameterSchema) -> None:
    assert schema.errors({"isin": "US1", "broken": "no", "quantity": 5, "unknown to the DAG": 1}) == []


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["#/parameters/broken", "#/parameters/isin"]),
        ({"isin": 1, "broken": ""}, ["#/parameters/isin"]),
        ({"isin": "us", "broken": ""}, ["#/parameters/isin"]),
        ({"isin": "US", "broken": "", "quantity": 0}, ["#/parameters/quantity"]),
        ({"isin": "US", "broken": "", "legs": [{"side": 1}, {}]}, ["#/parameters/legs/1"]),
        ({"isin": "US", "broken": "", "_tradewind": {}}, ["#/parameters/_tradewind"]),
    ],
)
def test_each_fault_is_told_with_its_place(
    schema: ParameterSchema, parameters: dict[str, Any], expected: list[str]
) -> None:
    assert pointers(schema, parameters) == expected


def test_what_is_told_is_bounded(schema: ParameterSchema) -> None:
    errors = schema.errors({"isin": "x" * 10_000, "broken": "", "legs": [{}] * 1000})
    assert len(errors) == MAX_ERRORS
    assert max(len(error.detail) for error in errors) <= MAX_DETAIL


def test_a_dag_without_params_takes_anything() -> None:
    assert ParameterSchema.of(SerializedParamsDict()).errors({"a": {"b": []}}) == []
