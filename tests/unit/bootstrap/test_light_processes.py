"""An idle process loads only what it needs: its memory is the price of every installation."""

import subprocess
import sys

import pytest

HEAVY = {
    "andon.bootstrap.worker": ("fastapi", "duckdb", "scipy", "lightgbm", "sklearn", "onnxruntime", "andon.gateway.app"),
    "andon.bootstrap.gateway": ("duckdb", "scipy", "lightgbm", "sklearn", "onnxruntime", "dbos"),
    "andon.bootstrap.console": ("duckdb", "scipy", "lightgbm", "sklearn", "andon.gateway.app"),
    "andon.cli.up": ("psycopg", "sqlalchemy", "numpy", "asyncpg"),
}


@pytest.mark.parametrize("module", list(HEAVY))
def test_a_process_begins_without(module: str) -> None:
    said = f"import sys, {module}; print(*sorted({set(HEAVY[module])!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_andon_up_prints_no_errors_by_rich() -> None:
    said = (
        "import sys; sys.argv = ['andon', 'up', '--help']\n"
        "from andon.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('structlog has', sys.modules['structlog'].dev.rich)"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "structlog has None"
