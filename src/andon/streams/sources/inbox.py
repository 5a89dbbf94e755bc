"""The inbox: events that arrived by HTTP wait in a table of Andon's own, on shelves that can be read concurrently."""

from andon.kernel.db import Database
from andon.streams.domain import SHELVES
from andon.streams.sources.table import TableLayout, TableSource


def inbox_source(database: Database, automation: str) -> TableSource:
    """Return the source of events posted for one automation."""
    of = "automation = '" + automation.replace("'", "''") + "'"
    return TableSource(
        database.connect,
        TableLayout(
            relation="event_inbox",
            position="t.position",
            data="t.data",
            partitions={str(shelf): f"t.{of} AND t.shelf = {shelf}" for shelf in range(SHELVES)},
            at="t.received_at",
            key="t.key",
            headers="t.headers::text",
            caller="t.caller",
        ),
        "the inbox",
    )
