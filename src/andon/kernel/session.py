"""What our sessions with PostgreSQL rely on, whatever the server, the database or the role has as its own default."""

from sqlalchemy import make_url

SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
}
"""As parameters of a connection: how values are written as text, and what a transaction sees of those beside it."""


STAYING = {"idle_session_timeout": "0"}
"""For a connection that listens, or is there for the next batch, however long there is nothing. PostgreSQL knows it from 14 on."""


def options_of(url: str, **more: str) -> str:
    """The same and `more`, as libpq's `options`, behind those that the address asks for itself."""
    own = make_url(url).query.get("options", ())
    asked = (own,) if isinstance(own, str) else own
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in {**SETTINGS, **more}.items())
    return " ".join((*asked, *ours))
