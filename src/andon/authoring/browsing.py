"""Declared steps in a web application, which a browser carries out in place of a person, one at a time.

A selector is Playwright's: CSS, or `text=...`. `frame` names the frame in which a step happens. Texts may contain
values of the decision in braces, as everywhere in actions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

BrowserStep = Mapping[str, Any]
"""A step in the form that an action stores."""


def go(path: str, *, frame: str | None = None) -> BrowserStep:
    """Open a page below the destination's url."""
    return _step("go", frame, path=path)


def fill(field: str, value: str | Mapping[str, str], *, frame: str | None = None) -> BrowserStep:
    """Replace the content of a field with a value, or with a `secret(...)`."""
    given = {"secret": value["secret"]} if isinstance(value, Mapping) else {"value": value}
    return _step("fill", frame, on=field, **given)


def secret(name: str) -> Mapping[str, str]:
    """Name a secret of the destination (`secrets` under `[destinations.NAME.browser]`)."""
    return {"secret": name}


def choose(field: str, value: str, *, frame: str | None = None) -> BrowserStep:
    """Choose the entry of a list that has this value."""
    return _step("choose", frame, on=field, value=value)


def click(on: str, *, commit: bool = False, accept: bool = False, frame: str | None = None) -> BrowserStep:
    """Click once. `commit` marks the click that cannot be undone; `accept` accepts a confirmation dialog."""
    marks = {name: True for name, given in (("commit", commit), ("accept", accept)) if given}
    return _step("click", frame, on=on, **marks)


def expect_text(on: str, text: str = "", *, frame: str | None = None) -> BrowserStep:
    """Wait until an element is visible and contains a text."""
    return _step("expect", frame, on=on, value=text)


def refused_when(on: str, *, frame: str | None = None) -> BrowserStep:
    """From here on, treat this element being visible as a refusal by the application; its text is the reason."""
    return _step("refuse", frame, on=on)


def read(on: str, name: str, *, frame: str | None = None) -> BrowserStep:
    """Read an element's text into the result of the delivery."""
    return _step("read", frame, on=on, name=name)


def look(
    steps: Sequence[BrowserStep],
    *,
    found: str,
    missing: str,
    then: Sequence[BrowserStep] = (),
    frame: str | None = None,
) -> Mapping[str, Any]:
    """Check in the application whether it was done: `found` is visible if it was, `missing` if it was not.

    `then` may read more once it is found. If neither is visible, the outcome is unknown.
    """
    looked: dict[str, Any] = {"steps": list(steps), "found": found, "missing": missing, "then": list(then)}
    return looked if frame is None else looked | {"frame": frame}


def _step(do: str, frame: str | None, **given: Any) -> BrowserStep:
    return {"do": do, **given} if frame is None else {"do": do, **given, "frame": frame}
