"""Names in the text of statements: how they are written, and how Snowflake stores them."""

NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
"""One part of a name, quoted or not, as a regular expression."""


def stored(text: str) -> str:
    """Return a name as Snowflake stores it: as it is if quoted, else in upper case."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.upper()
