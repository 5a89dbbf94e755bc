"""Sources without a broker: tables in PostgreSQL (one is the inbox of HTTP events), clocks, folders of files."""

from andon.streams.sources.files import FileSource
from andon.streams.sources.inbox import inbox_source
from andon.streams.sources.schedule import ScheduleSource
from andon.streams.sources.table import TableSource, table_source

__all__ = ["FileSource", "ScheduleSource", "TableSource", "inbox_source", "table_source"]
