"""The connector that replies to mails and forwards them, from the mailbox that holds them (extra `mail`)."""

from andon.actions.ports import Kind
from andon.connectors.correspondence.connector import CorrespondenceConnector
from andon.connectors.correspondence.settings import CorrespondenceOptions, CorrespondenceSettings

KIND = Kind(
    summary="Reply to a mail, or forward it (extra mail).",
    connect=lambda surroundings: CorrespondenceConnector(surroundings.connections, surroundings.clock),
    options=CorrespondenceOptions,
    settings=CorrespondenceSettings,
)

__all__ = ["KIND", "CorrespondenceConnector", "CorrespondenceOptions", "CorrespondenceSettings"]
