"""The demo: a whole line in `.andon-demo`, a stream of transfers, and the results. Run by `andon demo [--once]`."""
