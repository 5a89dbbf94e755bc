"""The script of an action, and `[destinations.NAME.browser]` of the application."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from andon.actions import Text
from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom

_NEEDS = {
    "go": {"path"},
    "fill": {"on"},
    "choose": {"on", "value"},
    "click": {"on"},
    "expect": {"on"},
    "refuse": {"on"},
    "read": {"on", "name"},
}
_MAY = {"fill": {"value", "secret"}, "click": {"commit", "accept"}, "expect": {"value"}}
_PORTS = {"http": 80, "https": 443}


class ScriptStep(Shape):
    """One step."""

    do: Literal["go", "fill", "choose", "click", "expect", "refuse", "read"]
    path: Text | None = None
    on: Text | None = Field(None, min_length=1)
    value: Text | None = None
    secret: str | None = None
    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{0,62}$")
    frame: str | None = None
    commit: bool = False
    accept: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "ScriptStep":
        given = self.model_fields_set - {"do", "frame"}
        lacking = _NEEDS[self.do] - given
        foreign = given - _NEEDS[self.do] - _MAY.get(self.do, set())
        if lacking:
            raise ValueError(f"{self.do} needs {', '.join(sorted(lacking))}")
        if foreign:
            raise ValueError(f"{self.do} takes no {', '.join(sorted(foreign))}")
        if self.do == "fill" and (self.value is None) == (self.secret is None):
            raise ValueError("fill needs either a value or a secret")
        if self.path is not None and not self.path.startswith("/"):
            raise ValueError("a path begins with /")
        return self


class Look(Shape):
    """How to find out whether it was done."""

    steps: Sequence[ScriptStep] = Field(min_length=1)
    found: Text = Field(min_length=1)
    missing: Text = Field(min_length=1)
    then: Sequence[ScriptStep] = ()
    frame: str | None = None

    @model_validator(mode="after")
    def _only_looks(self) -> "Look":
        if any(step.commit for step in (*self.steps, *self.then)):
            raise ValueError("a look changes nothing: none of its steps may be a commit")
        return self


class BrowserOptions(Shape):
    """One script."""

    account: str = Field(
        min_length=1, max_length=100, description="The account that acts there; one script at a time for each account."
    )
    login: Sequence[ScriptStep] = Field(default=(), description="Steps before the script, and before `done_when`.")
    steps: Sequence[ScriptStep] = Field(min_length=1, description="The script.")
    done_when: Look | None = Field(
        None,
        description="How to check whether it was done. Without it, a person decides after a lost answer to the commit.",
    )
    repeatable: bool = Field(False, description="Whether the whole script may be repeated, so that it has no commit.")

    @model_validator(mode="after")
    def _has_its_commit(self) -> "BrowserOptions":
        if any(step.commit for step in self.login):
            raise ValueError("no step of login may be a commit")
        commits = sum(step.commit for step in self.steps)
        if commits > 1:
            raise ValueError("only one click is the commit: split two commits into two actions")
        if commits == 0 and not self.repeatable:
            raise ValueError("mark the click that cannot be taken back with commit=True, or set repeatable=True")
        if commits and self.repeatable:
            raise ValueError("a script with a commit is not repeatable")
        if commits and not any(step.do == "expect" for step in dropwhile(lambda step: not step.commit, self.steps)):
            raise ValueError("after the commit, use expect_text to name what shows that it was done")
        return self

    def secrets(self) -> Iterator[str]:
        """Return the names of all secrets that the script uses."""
        look = () if self.done_when is None else (*self.done_when.steps, *self.done_when.then)
        for step in (*self.login, *self.steps, *look):
            if step.secret is not None:
                yield step.secret


def origin_of(url: str) -> str:
    """Return the origin of a URL as a browser writes it. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("expected http:// or https:// with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user or password; secrets go into settings of their own")
    host = parts.hostname.encode("idna").decode("ascii")
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


class BrowserSettings(Shape):
    """The application, and the browser that opens it."""

    secrets: Mapping[str, SecretFrom] = Field(
        default={},
        description='Secrets that scripts may fill in, each from an environment variable: `user = "CARDS_USER"`.',
    )
    chromium: str | None = Field(None, description="The browser's executable. Default: the system's Chromium.")
    sandbox: bool = Field(
        True, description="Whether Chromium's own sandbox is on. As root, Chromium runs only without it."
    )
    step_seconds: float = Field(15.0, gt=0, le=600, description="How long one step may take.")
    settle_seconds: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="A result that is still missing this long after the commit (whose click may take `step_seconds`) "
        "counts as not done. "
        "Set this longer than the application ever takes for one form.",
    )
    also: Sequence[str] = Field(
        default=(), description="Other origins that pages may load from, e.g. `https://static.bank.example`."
    )
    width: int = Field(1280, ge=320, le=3840, description="The width of the window, and of the pictures kept.")
    height: int = Field(900, ge=240, le=2160, description="The height of the window, and of the pictures kept.")

    @field_validator("also")
    @classmethod
    def _are_origins(cls, also: Sequence[str]) -> Sequence[str]:
        origins = [origin_of(url) for url in also]
        for url in also:
            if urlsplit(url).path not in ("", "/"):
                raise ValueError(f"{url!r}: expected an origin, without a path")
        return origins
