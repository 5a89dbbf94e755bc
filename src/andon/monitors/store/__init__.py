"""All SQL about monitors: windows, label sums and states. Nothing here commits."""
