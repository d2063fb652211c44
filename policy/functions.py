"""The functions that a statement may call: which classes are open, which a policy may open, and which never are.

A function that Snowflake documents has one class (function_table.py); any other name is unknown. What only computes is
open. What tells of the session, spends, or is nobody's but the account's own (a user's function) is opened by name, by
the policy's owner. What reads elsewhere, tells of other objects or sessions, or acts, no policy can open: it would
reach past every mask and filter.
"""

from enum import StrEnum
from types import MappingProxyType

from policy import function_table as table
from policy import hints


class FunctionClass(StrEnum):
    """What a function does; conditions of rules meet these words."""

    PURE = "pure"
    AGGREGATE = "aggregate"
    WINDOW = "window"
    NONDETERMINISTIC = "nondeterministic"
    CONTEXT = "context"
    METADATA = "metadata"
    READS_ELSEWHERE = "reads elsewhere"
    SIDE_EFFECT = "side effect"
    SPENDS = "spends"
    UNKNOWN = "unknown"


_PURE = " ".join(
    (
        table.CONDITIONAL,
        table.CONVERSION,
        table.NUMERIC,
        table.STRING,
        table.TEMPORAL,
        table.SEMI_STRUCTURED,
        table.TABLE,
        table.GEOSPATIAL,
        table.HIERARCHY,
        table.PATTERN,
    )
)
FUNCTIONS: MappingProxyType[FunctionClass, frozenset[str]] = MappingProxyType(
    {
        FunctionClass.PURE: frozenset(_PURE.split()),
        FunctionClass.AGGREGATE: frozenset(table.AGGREGATE.split()),
        FunctionClass.WINDOW: frozenset(table.WINDOW.split()),
        FunctionClass.NONDETERMINISTIC: frozenset(table.NONDETERMINISTIC.split()),
        FunctionClass.CONTEXT: frozenset(table.CONTEXT.split()),
        FunctionClass.METADATA: frozenset(table.METADATA.split()),
        FunctionClass.READS_ELSEWHERE: frozenset(table.READS_ELSEWHERE.split()),
        FunctionClass.SIDE_EFFECT: frozenset(table.SIDE_EFFECT.split()),
        FunctionClass.SPENDS: frozenset(table.SPENDS.split()),
    }
)
"""Every documented function by class, upper case, as Snowflake's own name for it; each has one class."""

OPEN_CLASSES = frozenset(
    {FunctionClass.PURE, FunctionClass.AGGREGATE, FunctionClass.WINDOW, FunctionClass.NONDETERMINISTIC}
)
"""What everybody may call: it computes from its arguments, or from a clock or dice."""

OPENABLE_CLASSES = frozenset({FunctionClass.CONTEXT, FunctionClass.SPENDS, FunctionClass.UNKNOWN}) | OPEN_CLASSES
"""What a policy may open by name; the other classes it cannot open at all."""

CLOSED: MappingProxyType[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("ENCRYPT", "ENCRYPT_RAW", "DECRYPT", "DECRYPT_RAW", "TRY_DECRYPT", "TRY_DECRYPT_RAW"),
            "its key would stand in the statement's text",
        ),
        **dict.fromkeys(("SEARCH", "SEARCH_IP"), "it takes columns by pattern"),
        **dict.fromkeys(table.PATTERN.split(), "it means something in MATCH_RECOGNIZE only"),
    }
)
"""Functions of open classes that are closed all the same until a policy opens them, with the reason."""

_WORDS = """
    ALL AND ANY AS ASC AT BERNOULLI BETWEEN BLOCK BY CUBE CYCLE DELETE DESC DISTINCT ELSE END EXCEPT EXCLUDE EXISTS
    FIRST FOR FROM FUNCTION GROUP GROUPING HAVING ILIKE IN INSERT INTERSECT INTO IS JOIN LAST LATERAL LEFT LIKE LIMIT
    MATCH_CONDITION MATCH_RECOGNIZE MATERIALIZED MEASURES MERGE MINUS NOT NULL NULLS OFFSET ON OR ORDER OUTER OVER
    PARTITION PIVOT PRIOR QUALIFY RECURSIVE RENAME REPLACE RIGHT ROLLUP ROUND ROW ROWS SAMPLE SELECT SET SETS SOME
    START SYSTEM TABLE TABLESAMPLE THEN TOP UNION UNIQUE UNPIVOT UPDATE USING VALUES WHEN WHERE WINDOW WITH WITHIN
"""
_TYPES = """
    ARRAY BINARY CHAR CHARACTER DATETIME DEC DECIMAL FLOAT MAP NCHAR NUMBER NUMERIC NVARCHAR OBJECT STRING TEXT TIME
    TIMESTAMP TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMPTZ TIMESTAMP_LTZ TIMESTAMP_NTZ TIMESTAMP_TZ VARBINARY VARCHAR VECTOR
"""

_CLASS_OF = {name: kind for kind, names in FUNCTIONS.items() for name in names}

FUNCTIONS_ALLOWED: frozenset[str] = frozenset().union(*(FUNCTIONS[kind] for kind in OPEN_CLASSES)) - frozenset(CLOSED)
"""Every function that is open without any policy."""

TABLE_FUNCTIONS: frozenset[str] = frozenset(table.TABLE.split())
"""The functions that may stand in FROM."""

DICE = frozenset(["NORMAL", "RANDOM", "RANDSTR", "SEQ1", "SEQ2", "SEQ4", "SEQ8", "UNIFORM", "UUID_STRING", "ZIPF"])
"""Functions that give another value each time they are evaluated, within one statement."""

PATTERN_FUNCTIONS: frozenset[str] = frozenset(table.PATTERN.split())
"""Functions that mean something in MATCH_RECOGNIZE only, and are open there."""

CALLED_WITHOUT_BRACKETS = frozenset(
    {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "LOCALTIME", "LOCALTIMESTAMP"}
)
"""Functions that a bare word calls (https://docs.snowflake.com/en/sql-reference/functions-context)."""

_EXPLAINED = {
    FunctionClass.CONTEXT: "it tells of the gate's own session; the policy's owner can open it by name",
    FunctionClass.METADATA: "it tells of other objects, sessions or statements, and no policy can open it",
    FunctionClass.READS_ELSEWHERE: "it reads what the policy does not see, and no policy can open it",
    FunctionClass.SIDE_EFFECT: "it acts on the account, and no policy can open it",
    FunctionClass.SPENDS: "it spends credits and hands data to a model; the policy's owner can open it by name",
    FunctionClass.UNKNOWN: "nobody has reviewed it; the policy's owner can open it by name",
}


def class_of(name: str) -> FunctionClass:
    """The class of the function `name`, which may have a schema before it; a quoted or folded spelling is the same."""
    plain = name.replace('"', "").upper()
    known = _CLASS_OF.get(plain)
    if known is not None:
        return known
    for prefix, kind in table.PREFIXES.items():
        if plain.startswith(prefix) or ("." in prefix and f".{prefix}" in f".{plain}"):
            return FunctionClass(kind)
    return FunctionClass.UNKNOWN


def is_openable(name: str) -> bool:
    """Whether a policy may open `name`."""
    return class_of(name) in OPENABLE_CLASSES


def hint_on(name: str) -> str:
    """What to tell a caller who may not call `name`: its class, why that is closed, and what is open."""
    kind = class_of(name)
    instead = hints.FUNCTIONS.get(name.upper())
    if instead is not None:
        return f"Snowflake has no such function; write {instead}"
    why = CLOSED.get(name.upper()) or _EXPLAINED.get(kind, "it is not understood as it is written here")
    return f"{name.upper()} is classed `{kind.value}`: {why}; use Snowflake's scalar, aggregate and window functions"


WORDS_BEFORE_PARENTHESIS: frozenset[str] = frozenset(_WORDS.split())
"""Words of the grammar, not functions, that may stand before an opening parenthesis."""

TYPES_BEFORE_PARENTHESIS: frozenset[str] = frozenset(_TYPES.split())
"""Type names that may carry parameters."""

PRINTED_AS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        "APPROXIMATE_JACCARD_INDEX": frozenset({"APPROXIMATE_SIMILARITY"}),
        "ARRAYAGG": frozenset({"ARRAY_AGG"}),
        "ARRAY_CONSTRUCT": frozenset(),
        "BITAND_AGG": frozenset({"BITANDAGG"}),
        "BITOR_AGG": frozenset({"BITORAGG"}),
        "BITXOR_AGG": frozenset({"BITXORAGG"}),
        "CEILING": frozenset({"CEIL"}),
        "CHAR": frozenset({"CHR"}),
        "COLLATE": frozenset(),
        "CURRENT_DATE": frozenset(),
        "CURRENT_TIME": frozenset(),
        "DATE": frozenset({"CAST", "TO_DATE"}),
        "DATEFROMPARTS": frozenset({"DATE_FROM_PARTS"}),
        "DAYOFWEEK_ISO": frozenset({"DAYOFWEEKISO"}),
        "DIV0": frozenset({"IFF"}),
        "DIV0NULL": frozenset({"IFF"}),
        "EXTRACT": frozenset({"DATE_PART"}),
        "GETDATE": frozenset({"CURRENT_TIMESTAMP"}),
        "IFNULL": frozenset({"COALESCE"}),
        "LEN": frozenset({"LENGTH"}),
        "LOCALTIME": frozenset(),
        "LOCALTIMESTAMP": frozenset({"CURRENT_TIMESTAMP"}),
        "LOG": frozenset({"LN"}),
        "MD5_HEX": frozenset({"MD5"}),
        "MOD": frozenset(),
        "NULLIFZERO": frozenset({"IFF"}),
        "NVL": frozenset({"COALESCE"}),
        "OBJECT_CONSTRUCT": frozenset(),
        "POSITION": frozenset({"CHARINDEX"}),
        "POW": frozenset({"POWER"}),
        "REGEXP_EXTRACT_ALL": frozenset({"REGEXP_SUBSTR_ALL"}),
        "RLIKE": frozenset({"REGEXP_LIKE"}),
        "SHA1_HEX": frozenset({"SHA1"}),
        "SHA2_HEX": frozenset({"SHA2"}),
        "SPACE": frozenset({"REPEAT"}),
        "SQUARE": frozenset({"POWER"}),
        "STDDEV_SAMP": frozenset({"STDDEV"}),
        "ST_POINT": frozenset({"ST_MAKEPOINT"}),
        "SUBSTR": frozenset({"SUBSTRING"}),
        "SYSTIMESTAMP": frozenset({"CURRENT_TIMESTAMP"}),
        "TIMEADD": frozenset({"DATEADD"}),
        "TIMEDIFF": frozenset({"DATEDIFF"}),
        "TIMEFROMPARTS": frozenset({"TIME_FROM_PARTS"}),
        "TIMESTAMPADD": frozenset({"DATEADD"}),
        "TIMESTAMPDIFF": frozenset({"DATEDIFF"}),
        "TIMESTAMPFROMPARTS": frozenset({"TIMESTAMP_FROM_PARTS"}),
        "TIMESTAMPNTZFROMPARTS": frozenset({"TIMESTAMP_FROM_PARTS"}),
        "TIMESTAMP_NTZ_FROM_PARTS": frozenset({"TIMESTAMP_FROM_PARTS"}),
        "TIMESTAMPLTZFROMPARTS": frozenset({"TIMESTAMP_LTZ_FROM_PARTS"}),
        "TIMESTAMPTZFROMPARTS": frozenset({"TIMESTAMP_TZ_FROM_PARTS"}),
        "TIME": frozenset({"CAST", "TO_TIME"}),
        "TO_CHAR": frozenset({"CAST"}),
        "TO_DATE": frozenset({"CAST"}),
        "TO_DECIMAL": frozenset({"TO_NUMBER"}),
        "TO_NUMERIC": frozenset({"TO_NUMBER"}),
        "TO_VARCHAR": frozenset({"TO_CHAR", "CAST"}),
        "TO_TIME": frozenset({"CAST"}),
        "TO_TIMESTAMP": frozenset({"CAST"}),
        "TO_TIMESTAMP_NTZ": frozenset({"CAST", "TO_TIMESTAMP"}),
        "TO_TIMESTAMP_LTZ": frozenset({"CAST"}),
        "TO_TIMESTAMP_TZ": frozenset({"CAST"}),
        "TRUNC": frozenset({"DATE_TRUNC"}),
        "TRUNCATE": frozenset({"TRUNC", "DATE_TRUNC"}),
        "TRY_CAST": frozenset({"TRY_TO_BOOLEAN"}),
        "TRY_TO_DECIMAL": frozenset({"TRY_TO_NUMBER"}),
        "TRY_TO_NUMERIC": frozenset({"TRY_TO_NUMBER"}),
        "TRY_TO_DATE": frozenset({"TRY_CAST"}),
        "TRY_TO_TIME": frozenset({"TRY_CAST"}),
        "TRY_TO_TIMESTAMP": frozenset({"TRY_CAST"}),
        "TRY_TO_TIMESTAMP_LTZ": frozenset({"TRY_CAST"}),
        "TRY_TO_TIMESTAMP_NTZ": frozenset({"TRY_CAST"}),
        "TRY_TO_TIMESTAMP_TZ": frozenset({"TRY_CAST"}),
        "VARIANCE_SAMP": frozenset({"VARIANCE"}),
        "VAR_POP": frozenset({"VARIANCE_POP"}),
        "VAR_SAMP": frozenset({"VARIANCE"}),
        "WEEKOFYEAR": frozenset({"WEEK"}),
        "ZEROIFNULL": frozenset({"IFF"}),
    }
)
"""Under which other names the printer may write a function; none means as an operator. Any other change is refused."""
