"""The argument of `pack` for a model that runs on another server."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from andon.models import PackageInvalid, Signature, columns_of
from andon.runtimes import Matrix
from andon.serving.hosting import HERE
from andon.serving.remote.document import FILE, RemoteDocument, words_of
from andon.serving.remote.errors import ServerFailed
from andon.serving.remote.link import Site


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model of an Open Inference server (Triton, KServe, Seldon, MLServer) at `url`; `protocol` is `rest` or `grpc`.

    `input` and `output` name its tensors where the server does not say them or has several. `token` is sent as
    `Authorization: Bearer` while packing and kept nowhere.
    """

    url: str
    name: str
    version: str | None = None
    protocol: str = "rest"
    input: str | None = None
    output: str | None = None
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        self._document()

    @property
    def file(self) -> str:
        """The name of the model file."""
        return FILE

    def document(self) -> str:
        """Return the content of the model file."""
        return self._document().model_dump_json(exclude_none=True)

    def reach(self, signature: Signature) -> Callable[[Matrix], Matrix]:
        """Return a function that predicts an encoded batch on the server, and raises PackageInvalid if it is refused.

        Raises EndpointUnavailable.
        """
        from andon.serving.remote.opening import connect

        predictor = connect(
            self._document(),
            Site(self.url.rstrip("/"), token=self.token, allow_private=True),
            columns_of(signature.features),
            timeout=self.timeout_seconds,
            waiting_batches=HERE.queue_batches,
        )

        def predict(matrix: Matrix) -> Matrix:
            try:
                return predictor.predict(matrix)
            except ServerFailed as error:
                raise PackageInvalid(str(error)) from error

        return predict

    def _document(self) -> RemoteDocument:
        try:
            return RemoteDocument.model_validate(
                {
                    "url": self.url,
                    "name": self.name,
                    "version": self.version,
                    "protocol": self.protocol,
                    "input": self.input,
                    "output": self.output,
                }
            )
        except ValidationError as error:
            raise PackageInvalid(f"RemoteModel: {words_of(error)}") from error
