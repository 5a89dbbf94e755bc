"""The chores of a worker, gathered from the slices that declare them."""

from collections.abc import Sequence
from datetime import timedelta

from andon import alerts
from andon.actions.chores import chores as of_actions
from andon.alerts.chores import chores as of_alerts
from andon.attachments.chores import chores as of_attachments
from andon.audit.chores import chores as of_audit
from andon.authoring import Automation
from andon.bootstrap.alerting import EVENTS, alert_routes, console_url, has_dead_events
from andon.bootstrap.connecting import Kinds
from andon.bootstrap.measures import Measures
from andon.bootstrap.procedures import Procedures
from andon.bootstrap.standing import chores as of_standing
from andon.decisions import CertainRulings
from andon.decisions.chores import chores as of_decisions
from andon.evidence.chores import chores as of_evidence
from andon.experiments import ExperimentWatcher
from andon.features.chores import chores as of_features
from andon.kernel.chores import Chore, ChoreRunner
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.measures import Meter
from andon.measures.chores import chores as of_measures
from andon.monitors.chores import MonitorWork
from andon.monitors.chores import chores as of_monitors
from andon.procedures.chores import chores as of_procedures
from andon.procedures.chores import of_histories
from andon.proofs.chores import chores as of_proofs
from andon.reviews.chores import chores as of_reviews
from andon.rollouts import RolloutWatcher
from andon.settling.chores import chores as of_settling
from andon.streams.chores import chores as of_streams
from andon.tools.chores import chores as of_tools


def run_chores(
    settings: Settings,
    database: Database,
    measures: Measures,
    events: Events,
    procedures: Procedures,
    automations: Sequence[Automation],
) -> ChoreRunner:
    """Return the runner of all chores of a worker."""
    meter, monitors = Meter(), MonitorWork(events, alerts.hold)
    chores: list[Chore] = [
        *of_reviews(measures.reviews),
        *of_audit(measures.audit, every=timedelta(seconds=settings.worker.seal_seconds)),
        *of_decisions(failed_kept=timedelta(seconds=settings.gateway.results_seconds)),
        *of_actions(pictures_kept=timedelta(days=settings.worker.evidence_days)),
        *of_streams(events),
        *of_tools(),
        *of_settling(),
        *of_attachments(kept=timedelta(days=settings.attachments.keep_days)),
        *of_features(),
        *of_measures(meter),
        *of_alerts(
            alert_routes(settings, Kinds(settings.root)),
            events,
            console=console_url(settings),
            standing={EVENTS: has_dead_events},
        ),
        *of_evidence(meter, monitors.tally, rulings=CertainRulings(automations)),
        *of_proofs(events),
        *of_standing(events),
        *of_monitors(monitors),
        *RolloutWatcher.chores(events),
        *ExperimentWatcher.chores(events),
        *of_histories(),
        *([] if procedures.conductor is None else of_procedures(procedures.conductor)),
    ]
    return ChoreRunner(database, chores, measures.chores)
