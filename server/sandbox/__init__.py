"""What stands in for the world on a laptop and in CI: an embedded PostgreSQL, a Snowflake look-alike, an issuer."""
