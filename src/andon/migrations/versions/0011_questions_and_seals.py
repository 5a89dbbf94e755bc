"""Questions about deliveries, and entries of deliveries and procedures; from `0011/*.sql`."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change the tables, and fill them from what stands."""
    plain = {"no_parameters": True}  # so that % stands for itself
    for file in sorted((Path(__file__).parent / "0011").glob("*.sql")):
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8"), execution_options=plain)
