"""A public class name means one thing in the whole tree."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "andon"


def modules_of_public_classes() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                found[statement.name].append(str(path.relative_to(PACKAGE)))
    return found


def test_no_public_class_name_stands_for_two_things() -> None:
    found = modules_of_public_classes()
    assert len(found) > 500, "hardly any classes were found"
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}
