"""The demo: a whole line in `.andon-demo`, a stream of transfers, and the result. Run by `script/demo [--once]`."""
