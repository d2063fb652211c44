"""Mixed traffic for minutes or hours while parts are killed: `python -m tests.soak 60`; no part of the suite."""
