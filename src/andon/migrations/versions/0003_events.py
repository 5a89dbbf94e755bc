"""Events, procedures and delivery; from `0003/*.sql`."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    plain = {"no_parameters": True}  # so that % stands for itself
    for file in sorted((Path(__file__).parent / "0003").glob("*.sql")):
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8"), execution_options=plain)
