"""The doorway: MCP, identity, approvals, leases, the Snowflake driver, the CLI. Opens every socket there is."""
