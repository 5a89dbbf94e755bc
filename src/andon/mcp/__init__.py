"""The Model Context Protocol: Andon served to agents, and a guard in front of other servers. See README.md here."""
