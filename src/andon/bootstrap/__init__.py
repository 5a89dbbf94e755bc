"""The only place that knows every class: builds the processes from settings. Holds no rules.

A command imports the module of the process it starts, so that no process pays for the others: `gateway`, `worker`,
`console`; `project` and `recorded` are for commands that decide by themselves.
"""
