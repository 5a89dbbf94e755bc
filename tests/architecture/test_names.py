"""A public class name means one thing in the whole tree."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "andon"
API = ROOT / "docs" / "reference" / "api.md"


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


def test_no_two_schemas_of_the_api_share_a_name() -> None:
    """FastAPI puts the module before a name that two models have; the reference is generated from its document."""
    schemas = re.findall(r"^### (\w+)$", API.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(schemas) > 50, "hardly any schemas were found"
    assert [name for name in schemas if "__" in name] == []
