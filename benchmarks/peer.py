"""The peer: a model behind FastAPI as most people write it. No key, no record, no features, no policy.

Run by uvicorn as one process, with its faster loop and parser: `uvicorn benchmarks.peer:app`. PEER_MODEL is the model
file.
"""

import os
from typing import Any

import skops.io
from fastapi import FastAPI
from pydantic import create_model

model = skops.io.load(os.environ["PEER_MODEL"], trusted=skops.io.get_untrusted_types(file=os.environ["PEER_MODEL"]))
fields: dict[str, Any] = dict.fromkeys(os.environ["PEER_FEATURES"].split(","), (float, ...))
Row = create_model("Row", **fields)

app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    """Return the probability of the positive class. `async def`, since a thread hop made it slower."""
    return {"score": float(model.predict_proba([list(row.model_dump().values())])[0, 1])}
