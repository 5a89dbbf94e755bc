"""Gates of candidates, settings of budgets, applied plans; from `0009/*.sql`."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables, and fill them from what stands."""
    plain = {"no_parameters": True}  # so that % stands for itself
    for file in sorted((Path(__file__).parent / "0009").glob("*.sql")):
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8"), execution_options=plain)
