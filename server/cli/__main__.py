"""Lets the sandbox start the gate as a child process of the same interpreter; people use the `snowgate` command."""

from server.cli import main

main()
