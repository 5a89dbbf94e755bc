"""Automation Anywhere: bots deployed by the Control Room. The delivery ends when the bot does."""

from andon.actions.ports import Kind
from andon.connectors.automation_anywhere.connector import AutomationAnywhereConnector
from andon.connectors.automation_anywhere.settings import BotOptions, ControlRoomSettings

KIND = Kind(
    summary="A bot of an Automation Anywhere Control Room.",
    connect=lambda surroundings: AutomationAnywhereConnector(surroundings.clock),
    options=BotOptions,
    settings=ControlRoomSettings,
)

__all__ = ["KIND", "AutomationAnywhereConnector", "BotOptions", "ControlRoomSettings"]
