"""FastAPI with ONNX Runtime as most people write it: a Pydantic row, a bare prediction.

`async def`, since a thread hop costs more.
"""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import create_model
from served_model import ServedModel

model = ServedModel()
fields: dict[str, Any] = dict.fromkeys(os.environ["FEATURES"].split(","), (float, ...))
Row = create_model("Row", **fields)

app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    """Return the probability of the positive class."""
    return {"score": model.scores([list(row.model_dump().values())])[0]}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), access_log=False, log_level="warning")
