"""Tables of serving: traffic splits, shadows, spending, results kept, the state of gateways; from `0002/*.sql`."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables."""
    plain = {"no_parameters": True}  # so that % stands for itself
    for file in sorted((Path(__file__).parent / "0002").glob("*.sql")):
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8"), execution_options=plain)
