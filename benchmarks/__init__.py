"""Benchmarks: `script/bench NAME [--check]` runs `benchmarks/NAME.py`.

All of it stays on this machine and ends by itself.
"""
