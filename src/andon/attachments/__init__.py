"""Attachments of mails: each content once, for a limited time. Nothing here opens, unpacks or runs one.

A source keeps them before their mail is decided; whoever reads one is written down.
"""

from andon.attachments.domain import Attachment, AttachmentContent, AttachmentLimits, KeptMail
from andon.attachments.downloads import MEDIA_TYPE, headers_of
from andon.attachments.errors import AttachmentNotFound
from andon.attachments.service import count, forget, keep, page, read

__all__ = [
    "MEDIA_TYPE",
    "Attachment",
    "AttachmentContent",
    "AttachmentLimits",
    "AttachmentNotFound",
    "KeptMail",
    "count",
    "forget",
    "headers_of",
    "keep",
    "page",
    "read",
]
