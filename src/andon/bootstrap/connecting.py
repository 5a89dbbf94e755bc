"""Discovery of connectors: folders with a `KIND`, ours in `andon/connectors`, the project's in `connectors/`.

There is no list of them. A kind is imported when needed, so the libraries of the others need not be installed.
"""

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from andon import connectors
from andon.actions import Connector, Destination, Kind, Repeat, Surroundings
from andon.authoring import BY_PROCEDURE, ActionSpec, Automation
from andon.decisions import AutomationInvalid
from andon.kernel import config
from andon.kernel.config import Settings, SettingsInvalid
from andon.kernel.errors import Fault, Invalid

FOLDER = "connectors"
"""The folder of a project's own connectors, next to andon.toml."""


class ConnectorUnusable(Invalid):
    """A connector cannot be used."""


class Kinds(Mapping[str, Kind]):
    """All kinds of connectors by name, each imported on access. Raises ConnectorUnusable."""

    def __init__(self, root: Path) -> None:
        self._project = root.resolve() / FOLDER
        self._found: dict[str, Kind] = {}

    @property
    def own(self) -> list[str]:
        """The names of the project's own connectors."""
        return sorted(file.parent.name for file in self._project.glob("*/__init__.py"))

    def __iter__(self) -> Iterator[str]:
        """Iterate over all names, read from the folders."""
        return iter(
            sorted({*(module.name for module in pkgutil.iter_modules(connectors.__path__) if module.ispkg), *self.own})
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> Kind:
        if name not in self:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = self._imported(name)
        return self._found[name]

    def _imported(self, name: str) -> Kind:
        try:
            module = self._load_own(name) if name in self.own else importlib.import_module(f"andon.connectors.{name}")
        except ModuleNotFoundError as error:
            if name in self.own or (error.name or "").startswith("andon"):
                raise ConnectorUnusable(f"Connector {name!r} cannot be imported: no module {error.name}") from error
            raise ConnectorUnusable(
                f"Connector {name!r} needs {error.name}, which is not installed: pip install 'andon[{name}]'"
            ) from error
        except Exception as error:
            raise ConnectorUnusable(
                f"Connector {name!r} cannot be imported: {type(error).__name__}: {error}"
            ) from error
        kind = getattr(module, "KIND", None)
        if not isinstance(kind, Kind):
            raise ConnectorUnusable(f"Connector {name!r} has no KIND: expected `KIND = Kind(...)` in its __init__.py")
        return kind

    def _load_own(self, name: str) -> ModuleType:
        full = f"andon_project_connectors_{name}"
        file = self._project / name / "__init__.py"
        spec = importlib.util.spec_from_file_location(full, file, submodule_search_locations=[str(file.parent)])
        if spec is None or spec.loader is None:
            raise ImportError(str(file))
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[full]
            raise
        return module


class Connected(Mapping[str, Connector]):
    """One connector per kind, made when first needed."""

    def __init__(self, kinds: Mapping[str, Kind], surroundings: Surroundings) -> None:
        self._kinds = kinds
        self._surroundings = surroundings
        self._made: dict[str, Connector] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __getitem__(self, name: str) -> Connector:
        if name not in self._made:
            self._made[name] = self._kinds[name].connect(self._surroundings)
        return self._made[name]


def doings(automation: Automation) -> dict[str, ActionSpec]:
    """Return the actions of an automation by outcome, and the destination of its results."""
    results = {} if automation.results is None else {"results": automation.results}
    return {**automation.actions, **results}


def check_options(automation: Automation, kinds: Mapping[str, Kind], root: Path) -> list[Fault]:
    """Return the faults within an automation's actions: unknown connectors and wrong options."""
    return [
        Fault(action.declared_at or automation.declared_at, f"action {outcome!r}: {message}")
        for outcome, action in doings(automation).items()
        for message in wrong_options(action.connector, action.options, kinds, root)
    ]


def require_options(automation: Automation, kinds: Mapping[str, Kind], root: Path) -> None:
    """Require valid options of all actions. Raises AutomationInvalid with file and line."""
    faults = check_options(automation, kinds, root)
    if faults:
        raise AutomationInvalid(f"{faults[0].where}: {faults[0].message}", faults=faults)


def check_destinations(automation: Automation, settings: Settings, kinds: Mapping[str, Kind]) -> list[Fault]:
    """Return the settings missing for the actions of an automation."""
    faults: list[Fault] = []
    for outcome, action in doings(automation).items():
        if action.connector == BY_PROCEDURE:
            continue
        where = action.declared_at or automation.declared_at
        given = settings.destinations.get(action.destination)
        if given is None:
            faults.append(Fault(where, f"action {outcome!r} needs [destinations.{action.destination}] in andon.toml"))
        elif action.connector in kinds:
            try:
                kind = kinds[action.connector]
                destination_of(action.destination, given, kinds)
            except Invalid as error:
                faults.append(Fault(where, str(error)))
                continue
            if kind.needs_url and given.url is None and given.url_env is None:
                faults.append(Fault(where, f"action {outcome!r} needs a url under [destinations.{action.destination}]"))
    return faults


def check_others(settings: Settings, kinds: Mapping[str, Kind], automations: Sequence[Automation]) -> list[Fault]:
    """Return the faults of destinations that no action names; they would keep a worker from starting."""
    named = {action.destination for automation in automations for action in doings(automation).values()}
    faults: list[Fault] = []
    for name in settings.destinations.keys() - named:
        try:
            destination_of(name, settings.destinations[name], kinds)
        except Invalid as error:
            faults.append(Fault(str(settings.root / config.FILE_NAME), str(error)))
    return faults


def destinations(settings: Settings, kinds: Mapping[str, Kind]) -> dict[str, Destination]:
    """Return the configured destinations with their secrets. Raises SettingsInvalid, ConnectorUnusable."""
    return {name: destination_of(name, given, kinds) for name, given in settings.destinations.items()}


def destination_of(
    name: str, given: config.DestinationSettings, kinds: Mapping[str, Kind], environment: Mapping[str, str] = os.environ
) -> Destination:
    """Return one destination for the delivery loop. Raises SettingsInvalid, ConnectorUnusable."""
    return Destination(
        name=name,
        url=given.address(environment),
        secrets=given.signing_secrets(environment),
        timeout=timedelta(seconds=given.timeout_seconds),
        max_attempts=given.max_attempts,
        allow_private=given.allow_private,
        repeat=None if given.repeat is None else Repeat(given.repeat),
        max_concurrent=given.max_concurrent,
        rate_per_second=given.rate_per_second,
        deadline=None if given.deadline_seconds is None else timedelta(seconds=given.deadline_seconds),
        callback_url=given.callback_url,
        settings={kind: _settings(name, kind, table, kinds, environment) for kind, table in given.by_kind.items()},
    )


def _settings(
    name: str, kind: str, table: Mapping[str, Any], kinds: Mapping[str, Kind], environment: Mapping[str, str]
) -> BaseModel:
    if kind not in kinds:
        raise SettingsInvalid(
            f"[destinations.{name}.{kind}]: unknown connector {kind!r}; expected one of {', '.join(kinds)}"
        )
    try:
        return kinds[kind].settings.model_validate(table, context={"environment": environment})
    except ValidationError as error:
        raise SettingsInvalid(f"[destinations.{name}.{kind}] {'; '.join(_messages(error))}") from None


def wrong_options(connector: str, options: Mapping[str, Any], kinds: Mapping[str, Kind], root: Path) -> list[str]:
    """Return the faults of a connector's options, or that there is no connector of this name."""
    if connector not in kinds:
        return [f"unknown connector {connector!r}; expected one of {', '.join(kinds)}"]
    try:
        kinds[connector].options.model_validate(dict(options), context={"root": root})
    except ConnectorUnusable as error:
        return [str(error)]
    except ValidationError as error:
        return [f"option {message}" for message in _messages(error)]
    return []


def _messages(error: ValidationError) -> list[str]:
    """Return each fault with its place, never with the value."""
    return [
        f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_input=False, include_url=False)
    ]
