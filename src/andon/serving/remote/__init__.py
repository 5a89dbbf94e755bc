"""Models that run on another server, asked by the Open Inference Protocol over REST or gRPC.

`model.py` is what a builder packs, `document.py` what the package keeps, `opening.py` how it becomes a predictor.
"""

from andon.serving.remote.document import FILE, RemoteDocument, Wire
from andon.serving.remote.errors import ServerFailed, ServerRefused
from andon.serving.remote.link import ServerUnreachable
from andon.serving.remote.model import RemoteModel
from andon.serving.remote.opening import open_remote
from andon.serving.remote.predictor import RemotePredictor

__all__ = [
    "FILE",
    "RemoteDocument",
    "RemoteModel",
    "RemotePredictor",
    "ServerFailed",
    "ServerRefused",
    "ServerUnreachable",
    "Wire",
    "open_remote",
]
