"""The step from a package's document to a predictor: its address, transport and tensors."""

from collections.abc import Sequence
from pathlib import Path

from andon.serving.errors import EndpointUnavailable, PredictionFailed
from andon.serving.hosting import Hosting
from andon.serving.remote.document import RemoteDocument, Wire, read, split_address
from andon.serving.remote.errors import ServerFailed
from andon.serving.remote.layout import layout_of
from andon.serving.remote.link import Link, Site
from andon.serving.remote.predictor import RemotePredictor


def open_remote(file: Path, columns: Sequence[str], hosting: Hosting) -> RemotePredictor:
    """Open the model in `remote.json`, at the address set here, otherwise at the package's. Raises EndpointUnavailable.

    The secret is sent only to an address that is set here: a package names its server, not what that gets.
    """
    document = read(file)
    if hosting.url is None:
        site = Site(document.url, allow_private=hosting.allow_private)
    else:
        site = Site(_checked(hosting.url), token=hosting.secret, allow_private=hosting.allow_private)
    return connect(document, site, columns, timeout=hosting.timeout_seconds, waiting_batches=hosting.queue_batches)


def connect(
    document: RemoteDocument, site: Site, columns: Sequence[str], *, timeout: float, waiting_batches: int
) -> RemotePredictor:
    """Ask the server what its model takes, and be ready to ask it. Raises EndpointUnavailable."""
    link = _link(document, site, timeout)
    shown = f"Model {document.shown} at {site.url}"
    try:
        metadata = link.describe()
    except PredictionFailed as error:
        said = f": {error.said}" if isinstance(error, ServerFailed) and error.said else ""
        raise EndpointUnavailable(f"{shown} cannot be used: {error}{said}") from error
    layout = layout_of(document, metadata, columns)
    return RemotePredictor(link, layout, shown=shown, timeout=timeout, waiting_batches=waiting_batches)


def _checked(url: str) -> str:
    try:
        split_address(url)
    except ValueError as error:
        raise EndpointUnavailable(f"The url under [endpoints.NAME] is not an address: {error}") from error
    return url.rstrip("/")


def _link(document: RemoteDocument, site: Site, timeout: float) -> Link:
    """Each wire brings a library, which is imported only for it."""
    if document.protocol is Wire.REST:
        from andon.serving.remote.rest import RestLink

        return RestLink(site, document, timeout=timeout)
    try:
        from andon.serving.remote.grpc import GrpcLink
    except ModuleNotFoundError as error:
        raise EndpointUnavailable(
            f"gRPC needs {error.name}, which is not installed; `pip install 'andon[grpc]'`"
        ) from error
    return GrpcLink(site, document, timeout=timeout)
