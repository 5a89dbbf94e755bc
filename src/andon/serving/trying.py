"""The trial of a version before anything else loads it: in a short-lived process with bounds on memory and time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from andon import runtimes
from andon.models import Manifest, ModelVersion, Runtime
from andon.serving.hosting import HERE, Hosting
from andon.serving.isolated import ATTEMPT, Environments
from andon.version import __version__

_LIBRARIES = {
    Runtime.LIGHTGBM: "lightgbm",
    Runtime.ONNX: "onnxruntime",
    Runtime.XGBOOST: "xgboost",
    Runtime.SKLEARN: "scikit-learn",
}
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_OWN_FAULTS = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGABRT,
    signal.SIGSYS,
    signal.SIGTRAP,
}
"""Signals that a process brings upon itself. Others come from outside: from an operator, a limit or the kernel."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class TrialEnd(Enum):
    """How a trial ended."""

    ANSWERED = "it answered its probes"
    REFUSED = "it was refused"
    """Its library, or its own code, says why it does not answer."""
    LIMIT = "it needed too many resources, or was ended from outside"
    KILLED = "it ended its process"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The end of a trial, and its details in words."""

    end: TrialEnd
    detail: str


def tried_with(manifest: Manifest, hosting: Hosting = HERE) -> str:
    """Return the versions of Andon and of what runs a model here: another one tries it again."""
    library = _LIBRARIES.get(manifest.runtime)
    if library is None or hosting.isolated:
        packages = sorted(manifest.environment.packages.items())
        return f"andon {__version__}, {manifest.runtime} in {json.dumps(packages)}"
    try:
        return f"andon {__version__}, {library} {installed(library)}"
    except PackageNotFoundError:
        return f"andon {__version__}, no {library}"


def try_version(version: ModelVersion, folder: Path, hosting: Hosting = HERE) -> TrialResult:
    """Load a fetched package in a process of its own and ask it its probes. One on another server is not tried.

    An isolated version gets its environment built here. Raises EnvironmentInvalid.
    """
    manifest = version.manifest
    if manifest.runtime is Runtime.REMOTE:
        return TrialResult(TrialEnd.ANSWERED, "it runs on another server")
    isolated = hosting.isolated or manifest.runtime.isolated_only
    python = Environments(hosting.environments).python_for(manifest) if isolated else Path(sys.executable)
    asked = {
        "runtimes": str(Path(runtimes.__file__).parent),
        "runtime": manifest.runtime,
        "file": str((folder / manifest.model_file).absolute()),
        "trusted": version.trusted,
        "signature": asdict(manifest.signature),
        "probes": manifest.probes.matrix(manifest.signature.has_texts).tolist(),
    }
    seconds = max(hosting.start_seconds, 1.0)
    limits = [str(os.getpid()), str(2 * hosting.memory_mb * 1_000_000), str(int(seconds) + 1)]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ONE_THREAD
    with tempfile.TemporaryDirectory(prefix="andon-trial-") as scratch:
        child = subprocess.Popen(  # noqa: S603 - our own program in an interpreter we chose
            [python, "-I", ATTEMPT, *limits],
            cwd=folder,
            env=environment | {"TMPDIR": scratch},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            answer, _ = child.communicate(json.dumps(asked).encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            return TrialResult(TrialEnd.LIMIT, f"it did not answer its probes within {seconds:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
    shown = f"Model {version.name} {version.number}"
    return _result(shown, child.returncode, answer.decode("utf-8", "replace"), hosting)


def _result(shown: str, status: int, answer: str, hosting: Hosting) -> TrialResult:
    if status < 0:
        end = TrialEnd.KILLED if -status in _OWN_FAULTS else TrialEnd.LIMIT
        return TrialResult(end, f"its process was ended by {_signal(-status)} when it was tried")
    if answer == "ready":
        return TrialResult(TrialEnd.ANSWERED, "it answered its probes")
    if answer == "memory":
        return TrialResult(TrialEnd.LIMIT, f"it needed more than {2 * hosting.memory_mb:,} MB when it was tried")
    if answer.startswith("refused "):
        return TrialResult(TrialEnd.REFUSED, answer.removeprefix("refused "))
    if answer.startswith("failed "):
        return TrialResult(TrialEnd.REFUSED, f"{shown} failed with {answer.removeprefix('failed ')}")
    return TrialResult(TrialEnd.KILLED, f"its process ended with status {status} before it answered")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
