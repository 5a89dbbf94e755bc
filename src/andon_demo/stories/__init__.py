"""The stories of the demo, by name; each module has `tell(stage)`, which returns an exit status."""

from collections.abc import Callable, Mapping

from andon_demo.stage import Stage
from andon_demo.stories import drift, mail, rollout, transfers

STORIES: Mapping[str, Callable[[Stage], int]] = {
    "transfers": transfers.tell,
    "drift": drift.tell,
    "rollout": rollout.tell,
    "mail": mail.tell,
}
