"""A lean HTTP/1.1 client for many small requests to few hosts: kept connections, checked addresses, precise errors.

It does what a delivery needs and nothing else: no redirects, cookies, proxies or content codings. A request costs about
a tenth of one with a general client.
"""

from andon.kernel.http.connection import Response
from andon.kernel.http.origin import HttpOrigin, NoAnswer, NotSent, UrlInvalid, default_tls, request_of

__all__ = ["HttpOrigin", "NoAnswer", "NotSent", "Response", "UrlInvalid", "default_tls", "request_of"]
