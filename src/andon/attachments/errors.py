"""Errors of attachments."""

from andon.kernel.errors import NotFound


class AttachmentNotFound(NotFound):
    """No such attachment: none was kept, or its time is over."""
