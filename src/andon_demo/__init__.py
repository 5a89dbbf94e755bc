"""The demo: a whole line in `.andon-demo`, a stream of transfers, and what came of it. Run by `andon demo [--once]`."""
