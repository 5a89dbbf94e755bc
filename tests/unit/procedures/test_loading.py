"""A process that has no procedures does not load the engine."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["andon", "andon.bootstrap.gateway", "andon.bootstrap.console", "andon.bootstrap.worker"]
)
def test_dbos_is_loaded_only_where_procedures_run(module: str) -> None:
    said = f"import {module}, sys; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False, timeout=60).returncode == 0
