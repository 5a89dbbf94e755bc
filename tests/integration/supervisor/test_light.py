"""What a process of `andon up` loads and how, and what it leaves to its project."""

import subprocess
import sys
from pathlib import Path

from andon.kernel.db import Database

PROCESS = """
import gc, runpy, sys
sys.argv = ["andon.bootstrap", "gateway"]
try:
    runpy.run_module("andon.bootstrap", run_name="__main__")
except SystemExit as end:
    print("ended with", end.code)
print("structlog has", sys.modules["structlog"].dev.rich)
print("kept", gc.get_freeze_count() > 100_000, gc.isenabled())
print("loaded", sorted({"packaging", "psutil", "andon.kernel.postgres"} & sys.modules.keys()))
"""


def test_a_process_loads_nothing_to_print_tables_run_a_database_or_pack_models_and_its_project_may(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "automation.py").write_text('import rich\n\nraise RuntimeError(f"{rich.__name__} is here")\n')
    ran = subprocess.run(
        [sys.executable, "-P", "-c", PROCESS],
        cwd=tmp_path,
        env={"ANDON_DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.splitlines() == ["ended with 2", "structlog has None", "kept True True", "loaded []"], ran.stderr
    assert "rich is here" in ran.stderr
