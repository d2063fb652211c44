"""DuckDB's errors as the ones that Snowflake would give for the same mistake.

The texts keep what Snowflake's keep, values of the data included: a gate that lets them through must be caught here.
Source: Snowflake's own messages for codes 904, 1003, 2003, 100035, 100037, 100038, 100051.
"""

import re

import duckdb

from server.sandbox.replies import SnowflakeError, cancelled, not_found

_VALUE = re.compile(
    r"[Cc]ould not convert string [\"'](.*?)[\"'] to (\w+)|field value out of range: \"(.*?)\"", re.DOTALL
)
_COLUMN = re.compile(r'(?:column|Column)(?: with name| named)? "?([\w$]+)"?')
_TABLE = re.compile(r"(?:Table|View|Schema|Catalog)(?: with name)? \"?([\w$.]+)\"? does not exist")
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "NUMERIC", "HUGEINT")


def as_snowflake(error: duckdb.Error) -> SnowflakeError:
    """Return Snowflake's error for one of DuckDB's."""
    text = str(error)
    match error:
        case duckdb.InterruptException():
            return cancelled()
        case duckdb.ConversionException() | duckdb.InvalidInputException() | duckdb.OutOfRangeException():
            return _conversion(text)
        case duckdb.BinderException():
            return _binding(text)
        case duckdb.CatalogException():
            found = _TABLE.search(text)
            return not_found(f"Object '{found[1]}'") if found else _compilation(text)
        case duckdb.ConstraintException():
            return SnowflakeError("100072", "22000", "NULL result in a non-nullable column")
        case _:
            return _compilation(text)


def _conversion(text: str) -> SnowflakeError:
    found = _VALUE.search(text)
    value, target = (found[1] or found[3], (found[2] or "").upper()) if found else ("", "")
    if target == "BOOL" or target == "BOOLEAN":
        return SnowflakeError("100037", "22018", f"Boolean value '{value}' is not recognized")
    if target.startswith("TIMESTAMP"):
        return SnowflakeError("100035", "22007", f"Timestamp '{value}' is not recognized")
    if target == "DATE" or (found and found[3]):
        return SnowflakeError("100040", "22007", f"Date '{value}' is not recognized")
    if any(name in target for name in _NUMBERS) or found:
        return SnowflakeError("100038", "22018", f"Numeric value '{value}' is not recognized")
    return SnowflakeError("100039", "22003", "Numeric value is out of range")


def _binding(text: str) -> SnowflakeError:
    found = _COLUMN.search(text)
    if found and ("not found" in text or "does not have" in text):
        return SnowflakeError("000904", "42000", f"SQL compilation error:\ninvalid identifier '{found[1].upper()}'")
    return _compilation(text)


def _compilation(text: str) -> SnowflakeError:
    return SnowflakeError("001003", "42000", f"SQL compilation error:\n{text.splitlines()[0]}")
