"""The story of the transfers: called and streamed into a line, their results, and the cost of each way."""

import asyncio
import base64
import secrets
import time
from contextlib import suppress

import psutil
from rich.live import Live

from andon_demo import display, intakes, project, stream
from andon_demo.comparison import MEASURED, Comparison, Way
from andon_demo.customers import Customers
from andon_demo.intakes import Intake
from andon_demo.ledger import Ledger
from andon_demo.line import Line, TooSlow, free_ports, memory_of
from andon_demo.receiver import CoreBanking
from andon_demo.stage import CALLER, Stage, console, phase, prepare, shown, stay, undisturbed_end
from andon_demo.stream import Progress, Transfer

SEED = 2
DRAIN_SECONDS = 120.0


def tell(stage: Stage) -> int:
    """Tell the whole story and return 0 if everything happened that should."""
    kind = stage.broker or "table"
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (bank_port,) = free_ports(1)
    with intakes.opened(kind, stage.scratch) as intake:
        with phase("Writing a project (andon init)"):
            folder = project.write(stage.folder, intake, bank_port)
        with (
            CoreBanking(secret, bank_port) as bank,
            Line(folder, environment={"CORE_BANKING_SECRET": secret}) as line,
            undisturbed_end(),
        ):
            key = prepare(line)
            with Ledger(folder) as ledger:
                for place in (project.PLACE, project.TWIN_PLACE):
                    intake.prepare(place, ledger.url)
                transfers = stream.transfers(stage.transfers, seed=SEED)
                progress = asyncio.run(_stream(line, ledger, intake, key, transfers, intakes.KINDS[kind]))
                summary = _settle(line, ledger, intake, key, bank, progress, stage.began)
                ways = _compare(Comparison(line, ledger, intake, key, CALLER), transfers, progress)
                display.show_summary(console, summary, intakes.KINDS[kind])
                display.show_comparison(console, ways, ledger.settings.cost)
            if not stage.once:
                stay(line, key)
    console.print(f"Stopped. The records are in {shown(folder)}.")
    return 0 if summary.succeeded else 1


async def _stream(
    line: Line, ledger: Ledger, intake: Intake, key: str, transfers: list[Transfer], kind: str
) -> Progress:
    """Send the transfers, with a live display, until the last of them is decided."""
    calls = sum(transfer.urgent for transfer in transfers)
    progress = Progress(calls, len(transfers) - calls)
    console.print(
        f"Deciding {len(transfers):,} transfers: {progress.calls:,} urgent ones by calls over {stream.CONNECTIONS} "
        f"connections, {progress.events:,} as events from {kind}, {stream.PER_SECOND:,.0f} per second"
    )
    sending = asyncio.create_task(_send(line, ledger, intake, key, transfers, progress))
    with Live(display.live(progress), console=console, auto_refresh=False) as live:
        while not (await asyncio.wait([sending], timeout=0.2))[0]:
            live.update(display.live(progress), refresh=True)
        live.update(display.live(progress), refresh=True)
    await sending
    if not console.is_terminal:
        console.print()
    return progress


async def _send(
    line: Line, ledger: Ledger, intake: Intake, key: str, transfers: list[Transfer], progress: Progress
) -> None:
    url = f"{line.url}/v1/automations/{project.AUTOMATION}/decisions"

    async def follow() -> None:
        """Wait until all events are decided, or it takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while True:
                    progress.decided, otherwise = await asyncio.to_thread(ledger.done, project.AUTOMATION)
                    if progress.decided + otherwise >= progress.events:
                        return
                    await asyncio.sleep(0.1)

    following = asyncio.create_task(follow())
    async with intake.sending(project.PLACE, ledger.url) as events:
        await stream.send(url, key, transfers, progress, events)
    await following
    progress.ended = time.monotonic()


def _settle(
    line: Line, ledger: Ledger, intake: Intake, key: str, bank: CoreBanking, progress: Progress, began: float
) -> display.Summary:
    """Wait until everything that follows from the decisions has happened, and count it."""
    summary = display.Summary(
        progress=progress,
        events=ledger.outcomes(project.AUTOMATION, intake.stream(project.PLACE)),
        audits=ledger.audits(project.AUTOMATION),
        memory=line.memory() + memory_of(psutil.Process()),
        first_decision=(progress.first_answer or time.time()) - began,
    )

    customers = Customers(line.url, key)

    def settled() -> bool:
        customers.answer(list(bank.asked))
        summary.actions_delivered, summary.forged = len(bank.actions), bank.forged
        summary.procedures_ended, summary.customers_asked = len(bank.ended), customers.answered
        summary.reviews = int(sum(line.metrics("andon_reviews_opened_total", key, port=line.worker).values()))
        status.update(
            f"Actions delivered: {summary.actions_delivered:,} of {summary.actions_expected:,}, "
            f"paused transfers ended: {summary.procedures_ended:,} of {summary.outcomes['pause']:,}, "
            f"reviews opened: {summary.reviews:,} of {summary.reviews_expected:,}"
        )
        return summary.settled

    with console.status("Waiting for actions and reviews") as status, suppress(TooSlow):
        line.wait_until("all actions were delivered", settled, timeout=DRAIN_SECONDS)
    return summary


def _compare(comparison: Comparison, transfers: list[Transfer], progress: Progress) -> list[Way]:
    """Measure the two paths, and decisions one by one."""
    measured = transfers[:MEASURED]
    with phase("Measuring the cost of a decision on each path, and one by one"):
        return [comparison.called(measured), comparison.streamed(measured), comparison.plain(progress.told)]
