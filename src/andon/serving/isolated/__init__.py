"""A model version in its own processes, in the environment of its training, where it can harm nothing else.

`pool.py` is the side of the gateway, `host.py` the program in a process, `environments.py` builds what it runs in.
"""

from pathlib import Path

from andon.serving.isolated.environments import Environments
from andon.serving.isolated.pool import IsolatedPredictor
from andon.serving.isolated.process import Launch
from andon.serving.isolated.trial import Trial

ATTEMPT = Path(__file__).with_name("attempt.py")
"""The program in which a version is tried."""

__all__ = ["ATTEMPT", "Environments", "IsolatedPredictor", "Launch", "Trial"]
