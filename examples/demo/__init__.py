"""The demo: a whole line in `.andon-demo`, a stream of transfers, and what came of it. Run by `script/demo [--once]`."""
