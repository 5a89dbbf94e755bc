"""Tiles that grow wider; from `0004/*.sql`."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change what windows keep."""
    plain = {"no_parameters": True}  # so that % stands for itself
    for file in sorted((Path(__file__).parent / "0004").glob("*.sql")):
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8"), execution_options=plain)
