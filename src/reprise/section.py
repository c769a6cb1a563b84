"""What every section of params.yaml is built from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema, core_schema


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values are never changed later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


@dataclass(frozen=True)
class Neutral:
    """Marks a parameter that not every model family has a use for.

    Attributes:
        value: Asks for nothing; a family that does not support the parameter takes only this.
    """

    value: object


class OneOf:
    """A string that is one of a registry's names: ``Annotated[str, OneOf(FAMILIES)]``.

    In messages and in the JSON schema it is the same as a Literal of these names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.literal_schema(self.names)


def worded(meaning: str) -> WrapValidator:
    """Refuses a value in these words instead of pydantic's: for patterns, which few can read.

    Args:
        meaning: What the value should be, as a sentence without a full stop.
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(meaning) from None

    return WrapValidator(check)
