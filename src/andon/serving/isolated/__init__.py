"""A model version in processes of its own, in the environment it was trained in: what it does there harms nobody else.

`pool.py` is the side of the gateway, `host.py` the program in a process, `environments.py` builds what it runs in.
"""

from andon.serving.isolated.environments import Environments
from andon.serving.isolated.pool import IsolatedPredictor
from andon.serving.isolated.process import Launch
from andon.serving.isolated.trial import Trial

__all__ = ["Environments", "IsolatedPredictor", "Launch", "Trial"]
