"""The page that `/docs` shows, drawn from the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=PackageLoader("andon.gateway"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(api: Mapping[str, Any]) -> str:
    """The document as HTML, without scripts."""
    return _ENVIRONMENT.get_template("docs.html").render(api=api)
