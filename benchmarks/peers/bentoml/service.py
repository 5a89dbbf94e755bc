"""BentoML: a service of one worker with an asynchronous endpoint, no access log."""

import bentoml
from served_model import ServedModel


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Trees:
    """A bare prediction."""

    def __init__(self) -> None:
        self._model = ServedModel()

    @bentoml.api
    async def predict(self, row: list[float]) -> dict[str, float]:
        """Return the probability of the positive class."""
        return {"score": self._model.scores([row])[0]}
