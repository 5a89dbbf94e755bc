"""The program that answers for a packed model in a process of its own: `PYTHON -I answering.py RUNTIMES FOLDER`.

FOLDER holds the request and the rows. The program writes the answer there, and the names of the modules that it
imported for the answer. It sees nothing of Andon but the runtimes, as where the model will run.
"""

import json
import os
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

REQUEST, ROWS, TEXTS, ANSWER, MODULES = "request.json", "rows.npy", "rows.json", "answer.npy", "modules.json"


def main(runtimes: Path, folder: Path) -> None:
    """Open the model, ask it, and write its answer."""
    before = set(sys.modules)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    import numpy as np

    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    model = _loaded(runtimes).open_model(
        request["runtime"], Path(request["file"]), trusted=True, signature=request["signature"]
    )
    np.save(folder / ANSWER, model.predict(_rows(folder)))
    (folder / MODULES).write_text(json.dumps(sorted(_imported(set(sys.modules) - before, folder))), encoding="utf-8")


def _rows(folder: Path) -> Any:
    """Return the rows: numbers, or objects if there are texts among them."""
    import numpy as np

    if (folder / ROWS).is_file():
        return np.load(folder / ROWS)
    rows = json.loads((folder / TEXTS).read_text(encoding="utf-8"))
    matrix = np.empty((len(rows), len(rows[0])), dtype=object)
    matrix[:] = rows
    return matrix


def _loaded(folder: Path) -> ModuleType:
    """Return the package of runtimes, loaded by its path, as Andon may not be installed where a model runs."""
    spec = spec_from_file_location("runtimes", folder / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} contains no runtimes")
    module = sys.modules["runtimes"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imported(names: set[str], unpacked: Path) -> set[str]:
    """Return the top-level modules among `names`, without those that came with the model."""
    files = {name: getattr(sys.modules[name], "__file__", None) for name in names if "." not in name}
    return {name for name, file in files.items() if not (file and Path(file).is_relative_to(unpacked))} - {"runtimes"}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
