"""The only package that knows every class: it builds the processes from settings. It contains no rules.

A command imports only the module of the process that it starts: `gateway`, `worker` or `console`. `project` and
`recorded` are for commands that decide in their own process.
"""
