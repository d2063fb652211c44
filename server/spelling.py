"""How names and texts are written in the statements that the gate itself makes."""


def literal(value: str) -> str:
    """`value` as a literal of Snowflake's."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def quoted(name: str) -> str:
    """`name` as a quoted identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
