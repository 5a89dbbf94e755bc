"""The Model Context Protocol: Andon as a server for agents, and a guard in front of other servers. See README.md."""
