"""What was done: the append-only journal. Knows nothing of SQL, policy or MCP."""
