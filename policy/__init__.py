"""What may be done: parse, resolve, decide, rewrite. Pure: no I/O, no clock, no async."""
