"""The function that an action calls, and `[destinations.NAME.python]`, the limits of its process."""

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom

_FUNCTION = re.compile(r"^(?P<file>[^:]+\.py):(?P<name>[A-Za-z_][A-Za-z0-9_]*)$")


class PythonOptions(Shape):
    """One function."""

    function: str = Field(description="`file.py:name`, the file relative to andon.toml. It is called with one mapping.")

    @field_validator("function")
    @classmethod
    def _is_there(cls, function: str, info: ValidationInfo) -> str:
        found = _FUNCTION.match(function)
        if found is None:
            raise ValueError("expected file.py:name")
        root = (info.context or {}).get("root")
        if root is not None:
            _look(Path(root), found["file"], found["name"])
        return function


class PythonSettings(Shape):
    """The limits of the processes of a destination's functions."""

    processes: int = Field(2, ge=1, le=32, description="Processes at the same time; each is kept for the next call.")
    memory_mb: int = Field(512, ge=64, description="Memory that one process may use. A request for more fails.")
    environment: Mapping[str, SecretFrom] = Field(
        default={},
        description='Its environment variables, each taken from a variable of Andon: `TOKEN = "LEDGER_TOKEN"`.',
    )
    keep: Sequence[str] = Field(
        default=("PATH", "HOME", "LANG", "LC_ALL", "TZ"), description="Variables that it inherits from Andon."
    )


def _look(root: Path, file: str, name: str) -> None:
    """Check that the file has such a function at its top level, without running it. Raises ValueError."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"{file} is outside the project")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"there is no file {file} in the project") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not Python: {type(error).__name__}") from None
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if name not in functions:
        raise ValueError(f"{file} has no function {name} at its top level; it has {', '.join(functions) or 'none'}")
