"""The specialists work through their folders: they move mails for another team there, and finished ones to Done."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from andon_demo.mails import NEW_TEAM, TEAMS
from andon_demo.postoffice import Mailbox
from andon_demo.triage.traffic import MailTraffic

FOLDERS: Mapping[str, str] = {
    **{team: team.capitalize() for team in TEAMS},
    NEW_TEAM: "Digital Assets",
}
DONE = "Done"
PAUSE = 0.3
"""Seconds between two checks of the folders."""


def folders() -> list[str]:
    """Return all folders of the mailbox that the story uses."""
    return [*FOLDERS.values(), *(f"{folder}/{DONE}" for folder in FOLDERS.values())]


@dataclass(slots=True)
class Specialists:
    """The people of all teams. `moved` counts mails from wrong folders; `arrived` is when each mail reached its own."""

    mailbox: Mailbox
    traffic: MailTraffic
    moved: int = 0
    arrived: dict[str, datetime] = field(default_factory=dict)
    _stopped: bool = False

    def stop(self) -> None:
        """End `run` soon."""
        self._stopped = True

    async def run(self) -> None:
        """Work until stopped. Raises LineFailed."""
        while not self._stopped:
            for team, folder in FOLDERS.items():
                await asyncio.to_thread(self._work, team, folder)
            await asyncio.sleep(PAUSE)

    def _work(self, team: str, folder: str) -> None:
        for uid, identifier in self.mailbox.messages(folder).items():
            mail = self.traffic.sent.get(identifier)
            if mail is None:
                continue
            if mail.truth.team == team:
                self.arrived.setdefault(identifier, datetime.now(UTC))
                self.mailbox.move(folder, uid, f"{folder}/{DONE}")
                self.traffic.finished += 1
            else:
                self.mailbox.move(folder, uid, FOLDERS[mail.truth.team])
                self.moved += 1
