"""Names: of projects, Python fields, classes and outcomes, made from whatever a file's author chose."""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from andon.scaffold.errors import NameInvalid

_PROJECT = re.compile(r"^[a-z][a-z0-9-]{0,62}$")
_CEL_WORDS = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"namespace", "null", "package", "return", "true", "var", "void", "while"}
)
_CONTRACT_WORDS = frozenset(
    {
        "Annotated",
        "BaseModel",
        "BeforeValidator",
        "AfterValidator",
        "ConfigDict",
        "Field",
        "Moment",
        "Text",
        "UTC",
        "datetime",
    }
    | {"str", "int", "float", "bool", "number_with_comma", "number_with_point", "time_as"}
)


def check_project_name(name: str) -> None:
    """Raise NameInvalid, with a valid name as a hint, if this cannot name a project."""
    if not _PROJECT.match(name):
        proposal = slug(name, "-")
        hint = f"; for example {proposal!r}" if _PROJECT.match(proposal) else ""
        raise NameInvalid(
            f"{name!r} is not a name for a project: use lower-case letters, digits and '-', a letter first, at "
            f"most 63{hint}"
        )


def slug(text: str, joint: str) -> str:
    """Return the text in lower-case ASCII letters and digits, with each run of other characters replaced by `joint`."""
    return re.sub(r"[^a-z0-9]+", joint, _ascii(text).lower()).strip(joint)


def class_name(project: str) -> str:
    """Return the class name of a project's input: `MyLineInput` for `my-line`."""
    return "".join(part.capitalize() for part in project.split("-")) + "Input"


def field_names(names: Sequence[str]) -> list[str]:
    """Return a distinct Python field name for each column: the column's own name where that is one."""
    taken: set[str] = {name for name in names if _is_field(name)}
    return [name if _is_field(name) else _free(_as_field(name, i), taken) for i, name in enumerate(names)]


def outcome_names(classes: Iterable[str]) -> list[str]:
    """Return a distinct outcome for each class; `review` stays free for people."""
    taken = {"review"}
    return [_free(_outcome(name, i), taken) for i, name in enumerate(classes)]


def _outcome(name: str, position: int) -> str:
    words = slug(name, "_")
    return (
        words
        if re.match(r"^[a-z]", words) and words not in _CEL_WORDS | {"yes", "no", "on", "off"}
        else f"class_{words or position + 1}"
    )


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()


def _is_field(name: str) -> bool:
    return (
        name.isascii()
        and name.isidentifier()
        and len(name) <= 64
        and not name.startswith(("_", "model_"))
        and not keyword.iskeyword(name)
        and name not in _CEL_WORDS | _CONTRACT_WORDS
        and not hasattr(BaseModel, name)
    )


def _as_field(name: str, position: int) -> str:
    words = re.sub(r"\W+", "_", _ascii(name)).strip("_")[:60].strip("_")
    if not words:
        return f"column_{position + 1}"
    if words[0].isdigit() or words.startswith("model_"):
        words = f"n_{words}"
    return words if _is_field(words) else f"{words}_"


def _free(name: str, taken: set[str]) -> str:
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    taken.add(free)
    return free
