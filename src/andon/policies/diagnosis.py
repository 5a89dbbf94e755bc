"""CEL's messages about a condition, translated for its author: where in the condition, and what to write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from andon.policies.domain import ValueKind
from andon.policies.tokens import Token, references_in

_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '(.*)'")
_NO_VALUE = re.compile(r'No value with name "([^"]*)" found')
_RUN_OVERLOAD = re.compile(r"No matching overloads found : (?:\((\w+)\)\.)?(\S+?)(?:\((.*)\))?$")

_INSTEAD = {"and": "&&", "or": "||", "not": "!", "=": "==", "True": "true", "False": "false", "None": "null"}
_TYPES = (
    ("wrapper(double)", "number or null"),
    ("wrapper(string)", "string or null"),
    ("wrapper(bool)", "boolean or null"),
    ("google.protobuf.Timestamp", "time"),
    ("double", "number"),
    ("int64", "whole number"),
    ("int", "whole number"),
    ("bool", "boolean"),
    ("timestamp", "time"),
    ("null_type", "null"),
)


@dataclass(frozen=True, slots=True)
class CelFault:
    """A fault in a condition, from its character `offset` on."""

    offset: int
    message: str


def faults_in(error: str, condition: str) -> list[CelFault]:
    """Return the faults in an error text of CEL's compiler, in its own words."""
    starts = [0]
    for line in condition.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for line, column, message in _ERROR.findall(error):
        start = starts[min(max(int(line), 1), len(starts) - 1) - 1]
        found.append(CelFault(start + max(int(column), 1) - 1, message.strip()))
    return found or [CelFault(0, error.split("\n")[0].removesuffix("]"))]


def diagnosed(fault: CelFault, tokens: Sequence[Token], kinds: Mapping[str, ValueKind]) -> CelFault:
    """Return the fault in plain words, placed at the beginning of the faulty name or sign."""
    undeclared = _UNDECLARED.match(fault.message)
    if undeclared:
        return _unknown_name(fault, undeclared[1], tokens, kinds)
    overload = _OVERLOAD.match(fault.message)
    if overload:
        return CelFault(fault.offset, _no_overload(overload[1], overload[2]))
    if "recursion" in fault.message:
        return CelFault(0, "nested too deeply; split it into two rules")
    if fault.message.startswith("Syntax error"):
        return CelFault(fault.offset, _syntax(fault, tokens))
    return fault


def said_at_run_time(error: str) -> str:
    """Return an evaluation error in plain words."""
    message = re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", error)
    missing = _NO_VALUE.search(message)
    if missing:
        return f"`{missing[1]}` has no value"
    overload = _RUN_OVERLOAD.search(message)
    if overload:
        types = ", ".join(part for part in (overload[1], overload[3]) if part)
        return f"`{_sign(overload[2])}` cannot be applied to ({kind_named(types)})"
    if "budget" in message:
        return "stopped: too many steps"
    return message


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` if known names are close, those under the same root first; otherwise nothing."""
    import difflib  # here, as only unknown names need it: a running process saves the memory

    root, _, last = name.rpartition(".")
    by_last: dict[str, list[str]] = {}
    for candidate in known:
        by_last.setdefault(candidate.rpartition(".")[2], []).append(candidate)
    matches = [last] if last in by_last else difflib.get_close_matches(last, by_last, n=3, cutoff=0.6)
    close = [candidate for match in matches for candidate in by_last[match]]
    best = [candidate for candidate in close if root and candidate.startswith(f"{root}.")] or close
    return f"; did you mean {' or '.join(f'`{match}`' for match in best[:2])}?" if best else ""


def _unknown_name(fault: CelFault, name: str, tokens: Sequence[Token], kinds: Mapping[str, ValueKind]) -> CelFault:
    offset = fault.offset
    for reference in references_in(tokens):
        if reference.name.startswith(name) and reference.start <= fault.offset < tokens[reference.after - 1].end:
            offset = reference.start
            break
    if name in _INSTEAD:
        return CelFault(offset, f"unknown name `{name}`; write `{_INSTEAD[name]}`")
    called = next((t for i, t in enumerate(tokens) if t.text == name and _called(tokens, i)), None)
    if called is not None:
        return CelFault(called.start, f"unknown function `{name}`")
    inside = [known for known in kinds if known.startswith(f"{name}.")]
    if inside:
        return CelFault(offset, f"`{name}` is not a value by itself; name a value in it, such as `{inside[0]}`")
    return CelFault(offset, f"unknown name `{name}`{suggestion(name, kinds) or _what_there_is(name, kinds)}")


def _what_there_is(name: str, kinds: Mapping[str, ValueKind]) -> str:
    root = name.split(".")[0]
    same = [known for known in kinds if known.startswith(f"{root}.")]
    if "." in name and same:
        return f"; there is {', '.join(same[:8])}{', ...' if len(same) > 8 else ''}"
    return "; values are under input, features, prediction, risk and lists"


def _called(tokens: Sequence[Token], position: int) -> bool:
    return position + 1 < len(tokens) and tokens[position + 1].text == "("


def _no_overload(function: str, types: str) -> str:
    sign, shown = _sign(function), kind_named(types.removeprefix("(").removesuffix(")"))
    whole_and_number = "whole number" in shown and "number" in shown.replace("whole number", "")
    hint = ""
    if sign == "%":
        hint = "; it takes whole numbers: write int(...) around a number"
    elif whole_and_number:
        hint = "; write a whole number as 1.0, and double(...) around a value like size(...)"
    return f"`{sign}` cannot be applied to ({shown}){hint}"


def _sign(function: str) -> str:
    if function == "@in":
        return "in"
    return function.replace("_?_:_", "? :").strip("_").replace("<jump_condition>", "? :")


def kind_named(types: str) -> str:
    """Return names of CEL types in the words of this slice."""
    for cel_name, ours in _TYPES:
        types = re.sub(rf"(?<![\w.]){re.escape(cel_name)}(?!\w)", ours, types)
    return types


def _syntax(fault: CelFault, tokens: Sequence[Token]) -> str:
    here = next((token for token in tokens if token.start == fault.offset), None)
    if here is not None and here.text in _INSTEAD:
        return f"`{here.text}` is not CEL; write `{_INSTEAD[here.text]}`"
    if "<EOF>" in fault.message and here is None:
        return "the condition ends too early"
    if here is not None:
        return f"`{here.text}` was not expected here"
    return "not a CEL condition: " + fault.message.removeprefix("Syntax error: ").split(" expecting ")[0]
