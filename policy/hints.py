"""What to write instead: for what Snowflake does not have, what it has and the gate does not take, and other kinds.

Callers are often models that know several dialects; told the Snowflake way, they get it right on the next try.
"""

import re
from types import MappingProxyType

PLAIN = "write the query with plain tables, columns, joins, subqueries and built-in functions"

_POSITION = "write the column's name (those of VALUES are column1, column2, ...); pass a value as `?` in `parameters`"
_ROWS = "write QUALIFY ROW_NUMBER() OVER (PARTITION BY ... ORDER BY ...) = 1"
_TIES = "write QUALIFY RANK() OVER (ORDER BY ...) <= 10, or PERCENT_RANK() for a share"

CONSTRUCTS: MappingProxyType[str | tuple[str, str], tuple[str, str]] = MappingProxyType(
    {
        "Parameter": ("a variable or column position (`$`, `@@`)", _POSITION),
        "DirectoryStage": ("a stage", "files cannot be read; query tables"),
        "SemanticView": ("a semantic view", "query the tables that it is made of"),
        "Filter": ("FILTER (WHERE ...)", "write COUNT_IF(condition), or SUM(IFF(condition, x, NULL))"),
        "AtTimeZone": ("AT TIME ZONE", "write CONVERT_TIMEZONE('UTC', 'Europe/Berlin', x)"),
        "IntDiv": ("DIV", "write FLOOR(a / b)"),
        "National": ("a string with a prefix", "write 'text'"),
        ("Column", "join_mark"): ("(+)", "write LEFT JOIN ... ON"),
        ("Table", "changes"): ("CHANGES", "query the table itself"),
        ("Select", "into"): ("SELECT INTO", "leave INTO out: the rows are the answer"),
        ("Select", "locks"): ("FOR UPDATE", "leave it out: Snowflake locks no rows for a query"),
        ("Select", "hint"): ("a hint", "leave it out"),
        ("Distinct", "on"): ("DISTINCT ON", _ROWS),
        ("Limit", "limit_options"): ("TOP or FETCH with PERCENT or WITH TIES", _TIES),
        ("LimitOptions", "with_ties"): ("WITH TIES", _TIES),
        ("LimitOptions", "percent"): ("PERCENT", _TIES),
        ("Insert", "overwrite"): ("INSERT OVERWRITE", "DELETE in one call, INSERT in the next"),
        ("With", "udfs"): ("WITH PROCEDURE or FUNCTION", "write the query itself"),
    }
)
"""What a kind of syntax, or a slot of it, is called in SQL, and what to write instead."""

_CATALOG = "use describe_schema: it shows the databases, schemas, tables and columns that are open to you"
_SESSION = "there is no session to set: write full names (DATABASE.SCHEMA.TABLE); role and warehouse are chosen for you"
_ALONE = "each statement is a transaction of its own: send it alone"
_VALUES = "write the value itself, or `?` and pass it in `parameters`"
_FILES = "files and stages are out of reach: read tables with a query, write rows with INSERT"
_CODE = "procedures, tasks and scripts do not run here: write queries, INSERT, UPDATE, DELETE or MERGE"
_RIGHTS = "privileges and objects of the account are not changed here: ask an operator"

STATEMENTS: MappingProxyType[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("SHOW", "DESCRIBE", "DESC"), _CATALOG),
        **dict.fromkeys(("USE",), _SESSION),
        **dict.fromkeys(("BEGIN", "START", "COMMIT", "ROLLBACK"), _ALONE),
        **dict.fromkeys(("SET", "UNSET"), _VALUES),
        **dict.fromkeys(("COPY", "PUT", "GET", "LIST", "LS", "REMOVE", "RM"), _FILES),
        **dict.fromkeys(("CALL", "EXECUTE", "DECLARE"), _CODE),
        **dict.fromkeys(("GRANT", "REVOKE", "COMMENT"), _RIGHTS),
        "EXPLAIN": "send the query itself: what it costs is looked at before it runs, where a rule asks for that",
        "FROM": "begin with SELECT",
    }
)
"""By the first word of a statement that is no query and no write."""

SYNTAX: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"`"), 'write names plainly, or in double quotes: "name"'),
    (re.compile(r"%\(\w+\)s|%s|\$\{|\{\{"), "write each parameter as `?` and pass its value in `parameters`, in order"),
    (re.compile(r"\bWINDOW\s+\w+\s+AS\b", re.I), "write the window out at each OVER (...)"),
    (re.compile(r"\bALL\s+BY\s+NAME\b", re.I), "list the columns: UPDATE SET c = s.c, INSERT (c) VALUES (s.c)"),
    (re.compile(r"\bWITH\s+(LOCAL\s+)?TIME\s+ZONE\b", re.I), "write TIMESTAMP_TZ or TIMESTAMP_LTZ"),
)
"""For text that cannot be read as SQL: what in it may be to blame."""

LOST: MappingProxyType[str, str] = MappingProxyType(
    {
        "WITHOUT": "write TIMESTAMP_NTZ",
        "WITH": "write TIMESTAMP_TZ or TIMESTAMP_LTZ",
        "ZONE": "write TIMESTAMP_TZ or TIMESTAMP_LTZ",
    }
)
"""For a word that the printer would lose."""

FUNCTIONS: MappingProxyType[str, str] = MappingProxyType(
    {
        "NOW": "CURRENT_TIMESTAMP()",
        "TODAY": "CURRENT_DATE()",
        "CURDATE": "CURRENT_DATE()",
        "ISNULL": "x IS NULL, or IFNULL(x, y)",
        "IF": "IFF(condition, x, y)",
        "STRPOS": "POSITION(part, text)",
        "INSTR": "POSITION(part, text)",
        "LOCATE": "POSITION(part, text)",
        "STRING_AGG": "LISTAGG(x, ', ') WITHIN GROUP (ORDER BY x)",
        "GROUP_CONCAT": "LISTAGG(x, ', ') WITHIN GROUP (ORDER BY x)",
        "DATE_FORMAT": "TO_CHAR(x, 'YYYY-MM-DD')",
        "STRFTIME": "TO_CHAR(x, 'YYYY-MM-DD')",
        "FORMAT_DATE": "TO_CHAR(x, 'YYYY-MM-DD')",
        "DATE_ADD": "DATEADD(day, n, x)",
        "DATE_SUB": "DATEADD(day, -n, x)",
        "DATE_DIFF": "DATEDIFF(day, x, y)",
        "AGE": "DATEDIFF(day, x, y)",
        "UNIX_TIMESTAMP": "DATE_PART(epoch_second, x)",
        "FROM_UNIXTIME": "TO_TIMESTAMP(n)",
        "JSON_EXTRACT": "x:path, or GET_PATH(x, 'path')",
        "JSON_VALUE": "x:path::VARCHAR",
        "JSON_OBJECT": "OBJECT_CONSTRUCT(key, value, ...)",
        "UNNEST": "LATERAL FLATTEN(INPUT => x) f, then f.value",
        "EXPLODE": "LATERAL FLATTEN(INPUT => x) f, then f.value",
        "GENERATE_SERIES": "SEQ4() over TABLE(GENERATOR(ROWCOUNT => n)), or ARRAY_GENERATE_RANGE",
        "QUANTILE": "PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x)",
        "FIRST": "FIRST_VALUE(x) OVER (ORDER BY y), or MIN_BY(x, y)",
        "LAST": "LAST_VALUE(x) OVER (ORDER BY y), or MAX_BY(x, y)",
    }
)
"""What other dialects call a function that Snowflake has under another name or in another form."""
