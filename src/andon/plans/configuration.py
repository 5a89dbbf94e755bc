"""The configuration folder: YAML files that name what shall be in force, read strictly.

Only settings that are named are managed. A key that is left out (None here) stays as people set it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from andon.authoring import AlertLevelName, HeldStateName
from andon.kernel import strict_yaml
from andon.kernel.errors import Fault
from andon.kernel.strict_yaml import YamlInvalid
from andon.plans.errors import ConfigurationInvalid, ConfigurationUnknown

VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
T = TypeVar("T")
_FILES = ("*.yaml", "*.yml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ManagedCandidate(_Strict):
    """A model version, by the policy in force or by the one in a file; `gate` is a threshold of its own."""

    version: VersionNumber
    policy: Annotated[str, Field(min_length=1)] | None = None
    gate: Annotated[float, Field(ge=0, le=2)] | None = None


class ManagedShare(ManagedCandidate):
    """A candidate and its percent of the traffic."""

    percent: Annotated[float, Field(gt=0, le=100)]


class ManagedTraffic(_Strict):
    """The whole split of an automation: shares, the rest to the champion, and shadows."""

    shares: list[ManagedShare] = []
    shadows: list[ManagedCandidate] = []


class ManagedGate(_Strict):
    """The least confidence that an arm needs. Without a version, it is the champion's arm with the policy in force."""

    at_least: Annotated[float, Field(ge=0, le=2)]
    version: VersionNumber | None = None
    policy: Annotated[str, Field(min_length=1)] | None = None
    value: str | bool | int | float | None = None
    predicted: str = ""


class ManagedRule(_Strict):
    """A rule that pulls the cord, beside those in the code."""

    monitor: str
    level: AlertLevelName = "critical"
    state: HeldStateName = "supervised"
    holds: Annotated[str, Field(pattern="^(segment|line)$")] = "segment"


class ManagedAutomation(_Strict):
    """The settings that shall be in force for one automation."""

    release: Literal[True] | None = None
    policy: Annotated[str, Field(min_length=1)] | None = None
    traffic: ManagedTraffic | None = None
    gates: list[ManagedGate] | None = None
    cord_rules: list[ManagedRule] | None = None
    audit_share: Annotated[float, Field(gt=0, le=1)] | None = None


class ManagedConfiguration(_Strict):
    """All managed settings: the champions of endpoints, and those of automations."""

    champions: dict[str, VersionNumber] = {}
    automations: dict[str, ManagedAutomation] = {}


def read_folder(folder: Path) -> ManagedConfiguration:
    """Read all files of a folder as one configuration. Raises ConfigurationInvalid (with each fault), -Unknown."""
    files = sorted(file for pattern in _FILES for file in folder.glob(pattern))
    if not files:
        raise ConfigurationUnknown(f"There is no configuration in {folder}: a file with the ending .yaml")
    faults: list[Fault] = []
    parts = [(file, _read_file(file, faults)) for file in files]
    champions = _merged("champions", [(file, part.champions) for file, part in parts], faults)
    automations = _merged("automations", [(file, part.automations) for file, part in parts], faults)
    if faults:
        raise ConfigurationInvalid(faults=faults)
    return ManagedConfiguration(champions=champions, automations=automations)


def _merged(place: str, parts: Sequence[tuple[Path, Mapping[str, T]]], faults: list[Fault]) -> dict[str, T]:
    """Merge one section of all files. A name in two files is added to `faults`."""
    found: dict[str, T] = {}
    for file, part in parts:
        twice = sorted(found.keys() & part.keys())
        faults += [Fault(f"{file}: {place}.{name}", "Another file names it as well") for name in twice]
        found.update(part)
    return found


def _read_file(file: Path, faults: list[Fault]) -> ManagedConfiguration:
    """Read one file. If it has faults, add them to `faults` and return an empty configuration."""
    try:
        given = strict_yaml.read(file.read_text(encoding="utf-8"), source=str(file))
        return ManagedConfiguration.model_validate({} if given is None else given)
    except UnicodeDecodeError:
        faults.append(Fault(str(file), "It is not UTF-8"))
    except YamlInvalid as error:
        faults += error.faults
    except ValidationError as error:
        faults += [Fault(f"{file}: {_place(one['loc'])}", one["msg"]) for one in error.errors()]
    return ManagedConfiguration()


def _place(loc: tuple[Any, ...]) -> str:
    """Write a place as `automations.transfer-screening.traffic.shares[0].percent`."""
    place = ""
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place or "the file"


def read_policies(configuration: ManagedConfiguration, root: Path) -> Mapping[str, str]:
    """Read the texts of all policy files that a configuration names. Raises ConfigurationInvalid."""
    faults, texts = [], dict[str, str]()
    for place, path in _policy_files(configuration):
        try:
            texts[path] = (root / path).read_text(encoding="utf-8")
        except OSError as error:
            faults.append(Fault(place, f"{path} cannot be read: {error.strerror}"))
        except UnicodeDecodeError:
            faults.append(Fault(place, f"{path} is not UTF-8"))
    if faults:
        raise ConfigurationInvalid(faults=faults)
    return texts


def _policy_files(configuration: ManagedConfiguration) -> list[tuple[str, str]]:
    """List every policy file with the place that names it."""
    found: list[tuple[str, str | None]] = []
    for name, one in configuration.automations.items():
        place = f"automations.{name}"
        found.append((f"{place}.policy", one.policy))
        traffic = one.traffic or ManagedTraffic()
        found += [(f"{place}.traffic.shares[{n}].policy", each.policy) for n, each in enumerate(traffic.shares)]
        found += [(f"{place}.traffic.shadows[{n}].policy", each.policy) for n, each in enumerate(traffic.shadows)]
        found += [(f"{place}.gates[{n}].policy", each.policy) for n, each in enumerate(one.gates or [])]
    return [(place, path) for place, path in found if path is not None]
