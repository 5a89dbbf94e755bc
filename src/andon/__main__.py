"""`python -m andon`."""

from andon.cli import app

app(prog_name="andon")
