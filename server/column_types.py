"""The columns of a result, with their types as Snowflake writes them."""

from typing import Any

from tools.contract import ResultColumn

_TYPE_NAMES = tuple(
    "NUMBER FLOAT VARCHAR DATE TIMESTAMP_NTZ VARIANT TIMESTAMP_LTZ TIMESTAMP_TZ TIMESTAMP_NTZ OBJECT ARRAY BINARY "  # noqa: SIM905
    "TIME BOOLEAN GEOGRAPHY GEOMETRY VECTOR MAP FILE INTERVAL INTERVAL".split()
)
"""The driver's type codes, in order, as Snowflake's type names."""


def column_of(meta: Any) -> ResultColumn:
    """A column of a result, of the driver's description of it."""
    return ResultColumn(meta.name, type_text(meta), bool(meta.is_nullable))


def type_text(meta: Any) -> str:
    """The column's type as Snowflake writes it, such as `NUMBER(38,2)` or `TIMESTAMP_NTZ(9)`."""
    name = _TYPE_NAMES[meta.type_code] if 0 <= meta.type_code < len(_TYPE_NAMES) else "UNKNOWN"
    match name:
        case "NUMBER" if meta.scale is None:
            return "DECFLOAT"  # the driver counts it among the numbers; only they have a scale
        case "NUMBER":
            return f"NUMBER({meta.precision},{meta.scale})"
        case "VARCHAR" | "BINARY" if meta.internal_size:
            return f"{name}({meta.internal_size})"
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" if meta.scale is not None:
            return f"{name}({meta.scale})"
        case _:
            return name
