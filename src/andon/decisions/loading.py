"""Reading the builder's Python file: the automations it declares, and their policies as text."""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from andon.authoring import Automation, Trigger
from andon.decisions.errors import AutomationInvalid
from andon.kernel.errors import AndonError, Fault


def load_file(path: Path) -> list[Automation]:
    """Return the automations that a Python file declares at its top level, in order.

    The file runs as under Python itself: its folder is importable. Modules imported from that folder are forgotten
    afterwards, so that two projects with a `contract.py` each do not clash in one process. Installed packages stay,
    although `.venv` is often in that folder. Raises AutomationInvalid with file and line.
    """
    if not path.is_file():
        raise AutomationInvalid(f"There is no file {path}", faults=[Fault(str(path), "expected a Python file")])
    folder = str(path.parent.resolve())
    known = set(sys.modules)
    sys.path.insert(0, folder)
    try:
        namespace = _run(path)
    finally:
        sys.path.remove(folder)
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(folder + "/") and "site-packages" not in file:
                del sys.modules[name]
    found = list({id(value): value for value in namespace.values() if isinstance(value, Automation)}.values())
    if not found:
        raise AutomationInvalid(
            f"{path} declares no automation",
            faults=[Fault(str(path), "expected `name = Automation(...)` at the top level")],
        )
    _require_all_taken(namespace, found)
    return found


def _require_all_taken(namespace: Mapping[str, object], automations: Sequence[Automation]) -> None:
    """Check that each trigger the file reads events by belongs to one of its automations.

    Otherwise its events would arrive, and no automation would receive them. Raises AutomationInvalid.
    """
    taken = {id(trigger) for automation in automations for trigger in (*automation.triggers, *automation.reported)}
    for name, value in namespace.items():
        if not isinstance(value, Trigger) or id(value) in taken:
            continue
        read = value.read
        if inspect.isfunction(read) and read.__module__ == namespace["__name__"]:
            code = read.__code__
            message = (
                f"{name} reads events of {value.name}, but no automation here takes them: name it with "
                f"trigger={name}, or with reported={name} in its truth"
            )
            fault = Fault(f"{code.co_filename}:{code.co_firstlineno}", message)
            raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault])


def policy_text(automation: Automation) -> tuple[str, str]:
    """Return an automation's decision table as text, and a name for its place. Raises AutomationInvalid."""
    policy = automation.policy
    if policy.text is not None:
        return policy.text, automation.declared_at
    path = Path(automation.declared_at.rpartition(":")[0]).parent / (policy.path or "")
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        fault = Fault(automation.declared_at, f"Policy.file({policy.path!r}) cannot be read: {reason}")
        raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault]) from None


def _run(path: Path) -> dict[str, object]:
    spec = importlib.util.spec_from_file_location(f"andon_project_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise AutomationInvalid(
            f"{path} is not a Python file", faults=[Fault(str(path), "expected a name that ends in .py")]
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _located(path, error) from error
    finally:
        del sys.modules[spec.name]
    return vars(module)


def _located(path: Path, error: Exception) -> AutomationInvalid:
    """Return the error with the line of the builder's file that caused it."""
    faults = list(error.faults) if isinstance(error, AndonError) else []
    if isinstance(error, SyntaxError) and error.filename:
        place, message = f"{error.filename}:{error.lineno}", f"syntax error: {error.msg}"
    else:
        own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent == path.parent.resolve()]
        place = f"{own[-1].filename}:{own[-1].lineno}" if own else str(path)
        message = str(error) if isinstance(error, AndonError) else f"{type(error).__name__}: {error}"
    return AutomationInvalid(f"{place}: {message}", faults=faults or [Fault(place, message)])
