"""The Open Inference Protocol, version 2, over automations: an inference is a governed decision, one for each row.

Start reading at `answering.py`, which both forms share: `rest.py` (`/v2/...`) and `rpc.py` (gRPC, extra `grpc`).
"""

from andon.gateway.inference.answering import Inference
from andon.gateway.inference.rest import OpenInference
from andon.gateway.inference.serving import InferenceServer, serve_inference

__all__ = ["Inference", "InferenceServer", "OpenInference", "serve_inference"]
