"""Every event that Andon publishes, from its class."""

from script.pages.markdown import code, table

from andon.bootstrap.catalogue import CATALOGUE
from andon.kernel.events import DomainEvent, meanings


def body() -> str:
    """Return a list of all, then a section for each."""
    every = sorted(CATALOGUE, key=lambda kind: kind.type)
    listed = table(("type", "when"), ((code(kind.type), _when(kind)) for kind in every))
    return "\n".join([listed, *map(_section, every)])


def _section(kind: type[DomainEvent]) -> str:
    rows = table(("data", "meaning"), ((code(name), meaning) for name, meaning in meanings(kind).items()))
    return f"## `{kind.type}`\n\n{_when(kind)} Subject: {code(kind.about)}.\n\n{rows}"


def _when(kind: type[DomainEvent]) -> str:
    return (kind.__doc__ or "").strip()
