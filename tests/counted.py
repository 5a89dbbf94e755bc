"""How many inputs the windows of a line have counted, for tests that compare it with what was decided."""

from sqlalchemy import text

from andon.features import Series, Step
from andon.kernel.db import Tx


def counted_in_windows(tx: Tx, automation: str, *, field: str = "amount", by: str = "account", width: int = 60) -> int:
    """Return the entries of all tiles of one series with this narrowest width, over all values."""
    series = Series.of(automation, field, by, [Step(width, width)]).id
    query = text("SELECT COALESCE(sum(entries), 0)::bigint FROM feature_tiles WHERE series = :series")
    counted: int = tx.execute(query, {"series": series}).scalar_one()
    return counted
