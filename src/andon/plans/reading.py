"""The files of a configuration read as one: those of a folder, or texts that a request holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from andon.kernel import strict_yaml
from andon.kernel.errors import AndonError, Fault
from andon.kernel.strict_yaml import YamlInvalid
from andon.plans.configuration import ManagedConfiguration, ManagedTraffic, SourcedConfiguration
from andon.plans.errors import ConfigurationInvalid, ConfigurationRefused, ConfigurationUnknown

_PATTERNS = ("*.yaml", "*.yml")
_SECTIONS = ("champions", "automations", "keys")


def read_folder(folder: Path) -> SourcedConfiguration:
    """Read all files of a folder as one configuration. Raises ConfigurationInvalid (with each fault), -Unknown."""
    files = sorted(file for pattern in _PATTERNS for file in folder.glob(pattern))
    if not files:
        raise ConfigurationUnknown(f"No configuration in {folder}: expected a file with the extension .yaml or .yml")
    faults: list[Fault] = []
    texts = dict[str, str]()
    for file in files:
        try:
            texts[str(file)] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            faults.append(Fault(str(file), "It is not UTF-8"))
    return _read(texts, faults)


def read_texts(files: Mapping[str, str]) -> SourcedConfiguration:
    """Read the texts of files as one configuration. Raises ConfigurationInvalid with each fault."""
    return _read(files, [])


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


def check_posted(configuration: ManagedConfiguration, policies: Mapping[str, str]) -> None:
    """Require that a posted configuration has its policies with it, and brings no code. Raises ConfigurationInvalid."""
    faults = [
        Fault(place, f"{path} is not among the posted `policies`")
        for place, path in _policy_files(configuration)
        if path not in policies
    ]
    faults += [
        Fault(f"automations.{name}.release", "A request contains no code: release a version that gateways have")
        for name, one in configuration.automations.items()
        if one.release
    ]
    if faults:
        raise ConfigurationInvalid(faults=faults)


@contextmanager
def naming_files(files: Mapping[str, str]) -> Iterator[None]:
    """Name the file in each fault of a configuration that is raised within."""
    try:
        yield
    except (ConfigurationInvalid, ConfigurationUnknown, ConfigurationRefused) as error:
        raise _sourced(error, files) from error


def _sourced(error: AndonError, files: Mapping[str, str]) -> AndonError:
    places = sorted(files, key=len, reverse=True)

    def named(fault: Fault) -> Fault:
        found = next((one for one in places if f"{fault.where}.".startswith(f"{one}.")), None)
        return fault if found is None else Fault(f"{files[found]}: {fault.where}", fault.message)

    return type(error)(str(error), faults=[named(one) for one in error.faults])


def _read(texts: Mapping[str, str], faults: list[Fault]) -> SourcedConfiguration:
    """Read and merge files. Raises ConfigurationInvalid with these faults and all others."""
    sections: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    files = dict[str, str]()
    for file, text in texts.items():
        part = _read_file(file, text, faults)
        for section, found in sections.items():
            for name, one in getattr(part, section).items():
                if name in found:
                    faults.append(Fault(f"{file}: {section}.{name}", "Another file also names it"))
                found[name], files[f"{section}.{name}"] = one, file
    if faults:
        raise ConfigurationInvalid(faults=faults)
    return SourcedConfiguration(**sections, files=files)


def _read_file(file: str, text: str, faults: list[Fault]) -> ManagedConfiguration:
    """Read one file. If it has faults, add them to `faults` and return an empty configuration."""
    try:
        given = strict_yaml.read(text, source=file)
        return ManagedConfiguration.model_validate({} if given is None else given)
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
