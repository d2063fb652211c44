"""What strangers can send, made up by a fuzzer; `python -m tests.fuzz NAME SECONDS`, and each thing found is kept."""
