"""Sources without a broker: tables in PostgreSQL (one is the inbox of HTTP events), clocks, folders of files.

`MailLogSource` turns a folder of any mail service into a log.
"""

from andon.streams.sources.files import FileSource
from andon.streams.sources.inbox import inbox_source
from andon.streams.sources.mail_log import AddedMails, MailLogSource, MailService, RemoteMail
from andon.streams.sources.schedule import ScheduleSource
from andon.streams.sources.table import TableSource, table_source

__all__ = [
    "AddedMails",
    "FileSource",
    "MailLogSource",
    "MailService",
    "RemoteMail",
    "ScheduleSource",
    "TableSource",
    "inbox_source",
    "table_source",
]
