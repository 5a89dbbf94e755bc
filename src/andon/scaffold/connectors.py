"""`andon connectors new NAME`: a working connector in the project, with its contract test."""

import re
from pathlib import Path

import jinja2

from andon.scaffold.errors import ConnectorExists, ConnectorNameInvalid

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_FILES = {
    "connectors/{name}/__init__.py": "init.py.jinja",
    "connectors/{name}/connector.py": "connector.py.jinja",
    "tests/test_{name}_connector.py": "test.py.jinja",
}


def new_connector(root: Path, name: str, *, taken: list[str]) -> list[Path]:
    """Write the files of a connector, and return their paths. Raises ConnectorNameInvalid, ConnectorExists."""
    if not _NAME.match(name):
        raise ConnectorNameInvalid(
            f"{name!r} is not a name for a connector: use lower-case letters, digits and _, a letter first"
        )
    files = {root / path.format(name=name): template for path, template in _FILES.items()}
    there = [path for path in files if path.exists()]
    if name in taken or there:
        raise ConnectorExists(f"A connector named {name!r} already exists" + (f": {there[0]}" if there else ""))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("andon.scaffold", "templates/connector"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (Python, no HTML)
        keep_trailing_newline=True,
    )
    values = {"name": name, "class_name": "".join(part.capitalize() for part in name.split("_"))}
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(template).render(values), encoding="utf-8")
    return list(files)
