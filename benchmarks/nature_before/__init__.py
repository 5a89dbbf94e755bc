"""Adapters of `script/bench nature` for commits from before there were any: `--against bd64bca5`."""
