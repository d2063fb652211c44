"""Numbers of errors, Snowflake's and its driver's, and what an agent is told of them.

What it is told is fixed, for Snowflake's own texts quote values.
"""

ERRNO_STATEMENT_TIMEOUT = 630
ERRNOS_OF_THE_DRIVER = (range(-1, 100), range(250_000, 260_000))
"""Numbers that the driver gives when Snowflake's answer was lost, late or no answer at all."""

SQLSTATE_UNSUPPORTED = "0A000"
"""Snowflake's own answer to a feature that it lacks; its number, 2, is among those of the driver."""

ERRNOS_OF_SESSIONS = range(390_000, 391_000)
"""Numbers by which Snowflake says that a session or its token is not valid (any longer)."""

ERRNOS_OF_LOGINS = range(390_000, 400_000)
"""Numbers by which Snowflake turns a login away."""

FAILURES: dict[int, tuple[str, str]] = {
    100038: ("a value could not be converted to a number", "Use TRY_TO_NUMBER or TRY_CAST."),
    100035: ("a value could not be converted to a date or time", "Use TRY_TO_DATE, TRY_TO_TIMESTAMP or TRY_CAST."),
    100040: ("a value could not be converted to a date", "Use TRY_TO_DATE or TRY_CAST."),
    100051: ("a division by zero", "Use DIV0, DIV0NULL or NULLIF on the divisor."),
    100078: ("a text longer than its column", "Shorten it or cast to a longer type."),
    1003: ("snowflake found a syntax error", "Check the statement against Snowflake's syntax."),
    2003: ("an object is gone or changed", "Look at describe_schema again; the catalog may have changed."),
    2043: ("an object is gone or changed", "Look at describe_schema again; the catalog may have changed."),
    3001: ("the snowflake role lacks a privilege", "An operator must GRANT it; repeating the call will not help."),
    604: ("the statement was cancelled", "Somebody or something stopped it in Snowflake; ask before running it again."),
}
"""What happened and what to do, by Snowflake's number; all others are told alike."""
