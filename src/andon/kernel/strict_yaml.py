"""Strict YAML: text, numbers, true, false, null, lists and mappings, as JSON has them; nothing is guessed.

`no` is the word "no", `12:30` and `2026-03-01` are texts, and a duplicate key is a fault reported with its line.
"""

import re
from collections.abc import Hashable
from math import isfinite
from typing import Any

import yaml

from andon.kernel.errors import Fault, Invalid

_SCALARS = (
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ("n", "~", "")),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", ("t", "f")),
    ("tag:yaml.org,2002:int", r"^-?(?:0|[1-9][0-9]*)$", tuple("-0123456789")),
    ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", tuple("-0123456789")),
)


class YamlInvalid(Invalid):
    """The file is not valid, or uses YAML that Andon does not accept."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML declares it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make a mapping whose keys are texts without duplicates."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} occurs twice", key.start_mark)
            seen.add(key.value)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML declares it

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values in full each time."""
        del data
        return True


def _finite(loader: yaml.SafeLoader, node: yaml.Node) -> float:
    """Read a number that a float can hold."""
    del loader
    number = float(node.value)
    if not isfinite(number):
        raise yaml.constructor.ConstructorError(None, None, f"{node.value} is too large", node.start_mark)
    return number


for _tag, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_Loader.add_constructor("tag:yaml.org,2002:float", _finite)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write a text, quoted if it contains a character that ends a line in YAML."""
    style = '"' if _BREAKS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_BREAKS = frozenset("\r\x85\u2028\u2029\ufeff")
_Dumper.add_representer(str, _text)


def read(text: str, *, source: str) -> Any:
    """Read the value in a text. Raises YamlInvalid, with the line."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = source if mark is None else f"{source}:{mark.line + 1}"
        raise _invalid(where, str(error.problem or error.context)) from error
    except yaml.YAMLError as error:
        raise _invalid(source, str(error)) from error
    except RecursionError as error:
        raise _invalid(source, "it is nested too deeply") from error


def write(value: Any) -> str:
    """Write a value as text that `read` returns unchanged."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _invalid(where: str, message: str) -> YamlInvalid:
    return YamlInvalid(f"{where}: {message}", faults=[Fault(where, message)])
