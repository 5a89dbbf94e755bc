"""Mail: one message per delivery, whose Message-ID is the key, so that receivers can recognise a repeat."""

from andon.actions.ports import Kind
from andon.connectors.smtp.connector import SmtpConnector
from andon.connectors.smtp.settings import SmtpOptions, SmtpSettings

KIND = Kind(
    summary="A mail by SMTP (extra smtp).",
    connect=lambda surroundings: SmtpConnector(surroundings.clock),
    options=SmtpOptions,
    settings=SmtpSettings,
)

__all__ = ["KIND", "SmtpConnector", "SmtpOptions", "SmtpSettings"]
