"""All SQL about monitors: windows, what labels say, and what is judged. Nothing here commits."""
