"""Pydantic models of the fields of a decision (`andon.decisions.FIELDS`), from which OpenAPI describes answers."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import fields as fields_of
from pydantic import BaseModel, create_model
from pydantic import Field as Described

from andon.decisions import Field


def model_of(name: str, meaning: str, fields: Sequence[Field], **other: Any) -> Any:
    """Return a model with these fields at their paths. `other` replaces the types of some of them."""
    groups: dict[str, list[Field]] = {}
    typed: dict[str, Any] = {}
    for field in fields:
        group, _, inner = field.path.partition(".")
        if inner:
            groups.setdefault(group, []).append(field)
            typed[group] = None  # stands where its first field does
        else:
            typed[group] = (other.get(group, seen(field.type)), Described(description=field.meaning))
    for group, inside in groups.items():
        inner_types: dict[str, Any] = {
            field.path.partition(".")[2]: (field.type, Described(description=field.meaning)) for field in inside
        }
        typed[group] = (
            create_model(f"{group.title()}InShort", **inner_types),
            Described(description="A short summary."),
        )
    return create_model(name, __doc__=meaning, **typed)


def seen(kind: Any) -> Any:
    """Return a type as the API shows it: a Struct as a model, bytes as hexadecimal digits."""
    if kind is bytes:
        return str
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _model_of_struct(kind)
    arguments = get_args(kind)
    if isinstance(kind, UnionType):
        one, other = (argument for argument in (*arguments, None) if argument not in (NoneType, UnsetType))
        return seen(one) | other
    if get_origin(kind) is tuple:
        return list[arguments[0]]  # type: ignore[valid-type]
    return dict[arguments[0], arguments[1]] if get_origin(kind) is Mapping else kind  # type: ignore[valid-type]


@cache
def _model_of_struct(kind: type[Struct]) -> type[BaseModel]:
    hints = get_type_hints(kind, include_extras=True)
    typed: dict[str, Any] = {
        field.encode_name: (_seen(hints[field.name]), None if field.default is UNSET else ...)
        for field in fields_of(kind)
    }
    return create_model(f"{kind.__name__.removesuffix('Ref')}Seen", __doc__=kind.__doc__, **typed)


def _seen(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        kind, meta = get_args(hint)
        return Annotated[seen(kind), Described(description=meta.description)]
    return seen(hint)
