"""The mail story: a line routes a bank's mails, with people, a robot and an agent, and learns a new product."""

import asyncio
import os
import shutil
from importlib.util import find_spec

from andon_demo.legacy import LegacyBank, LegacyServer, Quirks
from andon_demo.line import Line, LineFailed
from andon_demo.playing import play_in_traffic
from andon_demo.postoffice import PASSWORD, Mailbox, MailCatcher, MailServer
from andon_demo.stage import CALLER, Stage, console, phase, show_doors, shown, stay, undisturbed_end
from andon_demo.triage import writing
from andon_demo.triage.acts import ACTS, TriageStory
from andon_demo.triage.display import show_end, succeeded
from andon_demo.triage.ledger import MailLedger
from andon_demo.triage.reviewers import Reviewers
from andon_demo.triage.specialists import Specialists, folders
from andon_demo.triage.traffic import MailTraffic

NEEDED = {
    "imapclient": "mail",
    "mailparser_reply": "mail",
    "pydantic_ai": "agents",
    "playwright": "browser",
    "polars": "datasets",
}
"""The extra of each module that the story needs."""

QUIRKS = Quirks(slow_share=0.05, slow_seconds=1.0, error_share=0.02, session_requests=200)
"""The card system on an ordinary day."""


def tell(stage: Stage) -> int:
    """Tell the whole story and return 0 if each act happened and nothing happened twice. Raises LineFailed."""
    require_parts()
    cards = LegacyBank(quirks=QUIRKS)
    with MailServer() as server, MailCatcher() as catcher, LegacyServer(cards) as legacy:
        with phase("Writing a project (andon init --example mail-triage)"):
            folder = writing.write(stage.folder, server.port, catcher.port, legacy.url)
        with Mailbox(server.port) as incoming, Mailbox(server.port) as office:
            office.make_folders(folders())
            secrets = {"SUPPORT_PASSWORD": PASSWORD, "CARDS_USER": cards.user, "CARDS_PASSWORD": cards.password}
            with Line(folder, environment=secrets) as line, undisturbed_end():
                with phase("Training a model on filed mails, starting all processes (andon up)"):
                    line.up(timeout=600)
                    key = line.key(CALLER, "admin")
                show_doors(line, key)
                with MailLedger(folder, writing.AUTOMATION) as ledger:
                    traffic = MailTraffic(incoming, ledger)
                    story = TriageStory(
                        traffic,
                        Specialists(office, traffic),
                        Reviewers(line.url, line.key("reviewer", "reviewer"), traffic),
                        line,
                        cards,
                        catcher,
                    )
                    asyncio.run(play_in_traffic(story, ACTS))
                    show_end(console, story)
                    status = 0 if succeeded(story) else 1
                if not stage.once:
                    stay(line, key)
    console.print(f"Stopped. The records are in {shown(folder)}.")
    return status


def require_parts() -> None:
    """Raise LineFailed with what to install if something that the story needs is missing."""
    extras = sorted({extra for module, extra in NEEDED.items() if find_spec(module) is None})
    wanted = [f"'andon[{','.join(extras)}]'"] if extras else []
    if find_spec("pymap") is None:
        wanted.append("pymap")
    if wanted:
        raise LineFailed(f"This story needs more than Andon itself: pip install {' '.join(wanted)}")
    if shutil.which("chromium") is None and not os.environ.get("CHROMIUM"):
        raise LineFailed("This story needs a browser for its robot: apt-get install chromium")
