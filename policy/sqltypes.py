"""Snowflake's column types, sorted into the families that masks are written for.

Source: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_TYPE = re.compile(
    r"\s*([A-Za-z][A-Za-z_]*(?: +(?:PRECISION|VARYING))?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*\Z", re.IGNORECASE
)
_NUMBERS = frozenset({"NUMBER", "DECIMAL", "NUMERIC", "DEC"})
_INTEGERS = frozenset({"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"})
_FLOATS = frozenset({"FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL", "DOUBLE PRECISION"})
_TEXTS = frozenset({"VARCHAR", "CHAR", "CHARACTER", "NCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2"}) | frozenset(
    {"CHAR VARYING", "NCHAR VARYING"}
)
_ZONES = ("", "_NTZ", "_LTZ", "_TZ", "NTZ", "LTZ", "TZ")
_TIMESTAMPS = frozenset({"DATETIME", *(f"TIMESTAMP{zone}" for zone in _ZONES)})
_OTHERS = frozenset({"BOOLEAN", "BINARY", "VARBINARY", "TIME", "VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY"})


class Family(StrEnum):
    """What a mask needs to know of a type."""

    TEXT = "text"
    NUMBER = "number"
    FLOAT = "float"
    DATE = "date"
    TIMESTAMP = "timestamp"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column's type: its family and the text to cast to. Text is cast without its length, so no cast can fail."""

    family: Family
    cast: str
    precision: int = 0
    scale: int = 0


def parse_type(text: str) -> SqlType:
    """The type that `text` names; one that is not known has no cast, and its columns can only be NULL."""
    match = _TYPE.match(text)
    if match is None:
        return SqlType(Family.UNKNOWN, "")
    name = " ".join(match.group(1).upper().split())
    if name in _TEXTS:
        return SqlType(Family.TEXT, "VARCHAR")
    if name in _NUMBERS:
        precision, scale = int(match.group(2) or 38), int(match.group(3) or 0)
        return SqlType(Family.NUMBER, f"NUMBER({precision}, {scale})", precision, scale)
    if name in _INTEGERS:
        return SqlType(Family.NUMBER, "NUMBER(38, 0)", 38, 0)
    if name in _FLOATS:
        return SqlType(Family.FLOAT, "DOUBLE")
    if name == "DATE":
        return SqlType(Family.DATE, "DATE")
    if name in _TIMESTAMPS:
        return SqlType(Family.TIMESTAMP, name if match.group(2) is None else f"{name}({match.group(2)})")
    if name in _OTHERS:
        return SqlType(Family.OTHER, name)
    return SqlType(Family.UNKNOWN, "")
