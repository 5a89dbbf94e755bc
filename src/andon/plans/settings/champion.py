"""The champion of an endpoint."""

from datetime import datetime

from andon import models, serving
from andon.access import Permission
from andon.kernel.db import Tx
from andon.models import CHAMPION
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class ChampionInForce:
    """A model version as the champion of its endpoint, for every automation that uses it."""

    automation = None
    permissions = (Permission.SET_ALIAS,)

    def __init__(self, endpoint: str, number: int) -> None:
        self.place = f"champions.{endpoint}"
        self.endpoint, self._number = endpoint, number

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the number of the champion."""
        del at
        return serving.champion_of(tx, self.endpoint)

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Point the alias to the version."""
        models.set_alias(
            tx,
            self.endpoint,
            CHAMPION,
            self._number,
            actor=act.actor,
            reason=act.reason,
            events=act.events,
            now=act.now,
        )
