"""Benchmarks: `script/bench NAME [--check]` runs `benchmarks/NAME.py`.

Nothing leaves this machine, and every run ends by itself.
"""
