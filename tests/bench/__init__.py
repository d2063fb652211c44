"""What the gate costs: the same queries by the bare driver, by an unguarded MCP server, and by snowgate, in one run.

`python -m tests.bench --help` says how to run it; `docs/BENCHMARKS.md` is the last run.
"""
