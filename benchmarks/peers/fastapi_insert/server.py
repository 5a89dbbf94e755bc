"""FastAPI with one INSERT per request through a pool, as most people write it: each request waits for a commit."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import create_model
from served_model import ServedModel

TABLE = """
    CREATE TABLE IF NOT EXISTS predictions (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), made_at timestamptz NOT NULL DEFAULT now(),
        input jsonb NOT NULL, score float8 NOT NULL
    )
"""

model = ServedModel()
fields: dict[str, Any] = dict.fromkeys(os.environ["FEATURES"].split(","), (float, ...))
Row = create_model("Row", **fields)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the table, and asyncpg's default pool of ten connections."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    """Return the probability of the positive class, recorded before it is answered."""
    score = model.scores([list(row.model_dump().values())])[0]
    await app.state.pool.execute("INSERT INTO predictions (input, score) VALUES ($1, $2)", row.model_dump_json(), score)
    return {"score": score}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), access_log=False, log_level="warning")
