"""Errors of attachments."""

from andon.kernel.errors import NotFound


class AttachmentNotFound(NotFound):
    """There is no such attachment, or it has expired."""
