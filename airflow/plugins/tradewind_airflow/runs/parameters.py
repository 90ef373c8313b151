"""A DAG's Params as one JSON Schema, and parameters checked against it. Pure: no database, no Airflow state.

Airflow validates each Param by its own schema (`SerializedParamsDict.validate`), and takes names it does not know:
so does this, but it tells every fault, each with its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow.serialization.definitions.notset import is_arg_set
from airflow.serialization.definitions.param import SerializedParam, SerializedParamsDict
from jsonschema import FormatChecker
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from tradewind_airflow.runs.envelope import RESERVED_KEY
from tradewind_contracts.problems import FieldError, pointer

MAX_ERRORS = 50
MAX_DETAIL = 300
"""Characters: a validator's message repeats the value, which may be a document."""


@dataclass(frozen=True)
class ParameterSchema:
    """What a DAG takes. `document` is a JSON Schema (draft 2020-12) object."""

    document: dict[str, Any]
    validators: Mapping[str, Validator]

    @classmethod
    def of(cls, params: SerializedParamsDict) -> Self:
        """Build the schema of a DAG's Params. Required are those without a default value that fits."""
        declared = {name: params.get_param(name) for name in params}
        validators = {name: _validator(param.schema) for name, param in declared.items()}
        fitting = {name for name, param in declared.items() if _has_default(param, validators[name])}
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {name: _property(param, default=name in fitting) for name, param in declared.items()},
            "required": [name for name in declared if name not in fitting],
        }
        return cls(document, validators)

    def errors(self, parameters: Mapping[str, Any]) -> list[FieldError]:
        """Return what is wrong with `parameters`: at most 50 faults, none when a run may have them."""
        return [error for error, _ in zip(self._errors(parameters), range(MAX_ERRORS), strict=False)]

    def _errors(self, parameters: Mapping[str, Any]) -> Iterator[FieldError]:
        if RESERVED_KEY in parameters:
            yield _fault([RESERVED_KEY], "this name is reserved: Tradewind keeps the event's identity under it")
        for name in self.document["required"]:
            if name not in parameters:
                yield _fault([name], "is required")
        for name in parameters.keys() & self.validators.keys():
            for error in self.validators[name].iter_errors(parameters[name]):
                yield _fault([name, *error.absolute_path], error.message)


def _validator(schema: dict[str, Any]) -> Validator:
    return validator_for(schema)(schema, format_checker=FormatChecker())


def _has_default(param: SerializedParam, validator: Validator) -> bool:
    return bool(is_arg_set(param.value)) and validator.is_valid(param.value)


def _property(param: SerializedParam, *, default: bool) -> dict[str, Any]:
    described = {"description": param.description} if param.description else {}
    return {**param.schema, **described, **({"default": param.value} if default else {})}


def _fault(path: list[str | int], detail: str) -> FieldError:
    return FieldError(pointer=pointer(["parameters", *path]), detail=detail[:MAX_DETAIL])
