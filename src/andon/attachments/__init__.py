"""Attachments of mails, stored once for each content and for a limited time. Nothing here opens or unpacks them.

A source stores them before their mail is decided. Every read is recorded in the audit log.
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
