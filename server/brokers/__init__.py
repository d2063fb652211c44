"""The ways to make a credential for one Snowflake session, one a file; `server.brokers.choice` picks one."""
