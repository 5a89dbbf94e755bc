"""The wire: the HTTP server of every process, with a short way for decisions. Read README.md in this folder first."""

from andon.wire.headers import headers_of_lines
from andon.wire.parking import Parking
from andon.wire.seam import DirectRoute, Overload, Reply
from andon.wire.server import HttpServer

__all__ = ["DirectRoute", "HttpServer", "Overload", "Parking", "Reply", "headers_of_lines"]
