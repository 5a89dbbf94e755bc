"""Files of cases: `cases/AUTOMATION/*.yaml`, each a list of cases, read strictly; and a new file for a decision."""

import re
from collections.abc import Collection
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from andon.cases.domain import DecisionCase, FiledCase
from andon.cases.errors import CasesInvalid, CasesMissing, CaseTaken
from andon.kernel import strict_yaml
from andon.kernel.errors import Fault
from andon.kernel.strict_yaml import YamlInvalid

FOLDER = "cases"

_READER = TypeAdapter(list[DecisionCase])
_LONGEST = 60


def read_cases(root: Path, automations: Collection[str]) -> list[FiledCase]:
    """Read all cases of these automations. Raises CasesInvalid with every fault, CasesMissing if there is none."""
    faults: list[Fault] = []
    found: list[FiledCase] = []
    for automation in automations:
        seen: dict[str, str] = {}
        for file in sorted((root / FOLDER / automation).glob("*.y*ml")):
            path = str(file.relative_to(root))
            for case in _read_file(file, path, faults):
                if case.name in seen:
                    faults.append(Fault(path, f"The name {case.name!r} is taken in {seen[case.name]}"))
                seen[case.name] = path
                found.append(FiledCase(automation, path, case))
    if faults:
        raise CasesInvalid(faults=faults)
    if not found:
        places = ", ".join(f"{FOLDER}/{name}/" for name in automations)
        raise CasesMissing(f"There are no cases in {places}")
    return found


def check_folders(root: Path, automations: Collection[str]) -> None:
    """Check that every folder of cases belongs to an automation: others would never run. Raises CasesInvalid."""
    folder = root / FOLDER
    there = sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    faults = [
        Fault(f"{FOLDER}/{name}", f"Not an automation of this project; there are: {', '.join(sorted(automations))}")
        for name in there
        if name not in automations
    ]
    if faults:
        raise CasesInvalid(faults=faults)


def write_case(root: Path, filed: FiledCase) -> None:
    """Write a new file with one case. Raises CaseTaken."""
    file = root / filed.file
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(strict_yaml.write([filed.case.model_dump(exclude_none=True, exclude_defaults=True)]))
    except FileExistsError:
        raise CaseTaken(f"{filed.file} already exists: choose another name") from None


def file_of(automation: str, name: str) -> str:
    """Return the path of a new case by its name. Raises CasesInvalid for a name without a letter or digit."""
    words = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:_LONGEST].strip("-")
    if not words:
        raise CasesInvalid(f"{name!r} has no letter or digit to name a file by")
    return f"{FOLDER}/{automation}/{words}.yaml"


def _read_file(file: Path, path: str, faults: list[Fault]) -> list[DecisionCase]:
    """Read the cases of one file. If it has faults, add them to `faults` and return nothing."""
    try:
        return _READER.validate_python(strict_yaml.read(file.read_text(encoding="utf-8"), source=path))
    except UnicodeDecodeError:
        faults.append(Fault(path, "It is not UTF-8"))
    except YamlInvalid as error:
        faults += error.faults
    except ValidationError as error:
        faults += [
            Fault(f"{path}: {'.'.join(map(str, one['loc'])) or 'the file'}", one["msg"]) for one in error.errors()
        ]
    return []
