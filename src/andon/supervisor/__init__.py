"""Runs a whole installation from one command: the embedded PostgreSQL, a gateway, a worker and the console.

    up       start everything, keep it running, stop it on a signal
    stop     end the `up` of a folder, or a PostgreSQL that a killed one left behind
    holder   who runs `up` in a folder
    examine  look for what is wrong with an installation (`andon doctor`)

Start reading at `supervisor.py`. One thread, no locks of its own: it sleeps until a signal, the end of a child or a tenth of a second.
"""

from andon.supervisor.errors import AlreadyRunning, NoProject, PartFailed, PepperMissing, PortTaken, StopFailed
from andon.supervisor.examination import Finding, ProjectCheck, State, examine
from andon.supervisor.single import Holder, holder
from andon.supervisor.stopping import stop
from andon.supervisor.supervisor import up

__all__ = [
    "AlreadyRunning",
    "Finding",
    "Holder",
    "NoProject",
    "PartFailed",
    "PepperMissing",
    "PortTaken",
    "ProjectCheck",
    "State",
    "StopFailed",
    "examine",
    "holder",
    "stop",
    "up",
]
