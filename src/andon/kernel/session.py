"""The PostgreSQL session settings that we rely on, whatever the defaults of server, database or role."""

from psycopg.conninfo import conninfo_to_dict

SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
}
"""Parameters of every connection: the text form of values, and the isolation of transactions."""

_BLANK = r"\ "

STAYING = {"idle_session_timeout": "0"}
"""Parameters of a connection that stays open without traffic, such as a listener's. PostgreSQL has this from 14 on."""

BY_INDEX = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""Parameters of a connection that repeats the same few queries: each is planned once, for any keys.

Otherwise PostgreSQL plans the look-up of a single key each time, which takes several times as long as the look-up. A
plan made once, perhaps while a table is empty, has to use an index where there is one; a table without an index is
scanned as usual.
"""


def options_of(url: str, **more: str) -> str:
    """Return these settings and `more` as libpq's `options`, after the options in the address itself.

    Raises psycopg.ProgrammingError if the address is invalid.
    """
    asked = conninfo_to_dict(url).get("options")
    settings = {**SETTINGS, **more}.items()
    ours = [f"-c {name}={value.replace(' ', _BLANK)}" for name, value in settings]
    return " ".join([str(asked), *ours] if asked else ours)
