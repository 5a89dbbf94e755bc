"""The only place that knows every class: builds the processes from settings. Holds no rules."""

from andon.bootstrap.console import serve_console
from andon.bootstrap.gateway import serve_gateway
from andon.bootstrap.project import Problem, build_events, check_project, load_automations, opened_line
from andon.bootstrap.recorded import RecordedLines
from andon.bootstrap.worker import serve_worker

__all__ = [
    "Problem",
    "RecordedLines",
    "build_events",
    "check_project",
    "load_automations",
    "opened_line",
    "serve_console",
    "serve_gateway",
    "serve_worker",
]
