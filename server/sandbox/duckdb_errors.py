"""DuckDB's errors as the ones that Snowflake would give for the same mistake.

The texts keep what Snowflake's keep, values of the data included: a gate that lets them through must be caught here.
Source: Snowflake's own messages for codes 904, 1003, 2003, 2140, 100035, 100037 to 100040, 100072, 100108.
"""

import re

import duckdb

from server.sandbox.replies import SnowflakeError, cancelled, not_found

_VALUE = re.compile(r"[Cc]ould not convert string [\"'](?P<value>.*?)[\"'] to (?P<type>\w+)", re.DOTALL)
_MOMENT = re.compile(
    r"(?P<type>date|time|timestamp) field (?:format|value out of range): \"(?P<value>.*?)\"", re.DOTALL
)
_COLUMN = re.compile(r'(?:column|Column)(?: with name| named)? "?([\w$]+)"?')
_TABLE = re.compile(r"(?:Table|View|Schema|Catalog)(?: with name)? \"?([\w$.]+)\"? does not exist")
_FUNCTION = re.compile(r"Function with name \"?([\w$.]+)\"? does not exist")
_RECOGNISED = {
    "BOOL": ("100037", "22018", "Boolean value"),
    "TIMESTAMP": ("100035", "22007", "Timestamp"),
    "TIME": ("100108", "22007", "Time"),
    "DATE": ("100040", "22007", "Date"),
}


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
            return _missing(text)
        case duckdb.ConstraintException():
            return SnowflakeError("100072", "22000", "NULL result in a non-nullable column")
        case _:
            # A name that DuckDB took for a file's, and could not open
            return not_found("Object") if "Cannot access file" in text else _compilation(text)


def _conversion(text: str) -> SnowflakeError:
    found = _VALUE.search(text) or _MOMENT.search(text)
    if found is None:
        return SnowflakeError("100039", "22003", "Numeric value is out of range")
    value, target = found["value"], found["type"].upper()
    for prefix, (code, sqlstate, what) in _RECOGNISED.items():
        if target.startswith(prefix):
            return SnowflakeError(code, sqlstate, f"{what} '{value}' is not recognized")
    return SnowflakeError("100038", "22018", f"Numeric value '{value}' is not recognized")


def _binding(text: str) -> SnowflakeError:
    found = _COLUMN.search(text)
    if found and ("not found" in text or "does not have" in text):
        return SnowflakeError("000904", "42000", f"SQL compilation error:\ninvalid identifier '{found[1].upper()}'")
    return _compilation(text)


def _missing(text: str) -> SnowflakeError:
    if function := _FUNCTION.search(text):
        return SnowflakeError("002140", "42601", f"SQL compilation error:\nUnknown function {function[1].upper()}")
    found = _TABLE.search(text)
    return not_found(f"Object '{found[1]}'") if found else _compilation(text)


def _compilation(text: str) -> SnowflakeError:
    return SnowflakeError("001003", "42000", f"SQL compilation error:\n{text.splitlines()[0]}")
