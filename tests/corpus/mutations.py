"""Ways to say a statement otherwise: the same in other words, wrapped in another query, or broken on purpose."""

import random
import re
from collections.abc import Callable, Sequence

from tests.corpus.lexer import tokens

Mutation = Callable[[str, random.Random, Sequence[str]], str]

_SPACES = ("\t", "\n", "\r\n", "\x0b", "\x0c", "\u00a0", "\u2003", "\u3000", "\u1680", "\u200b", "\ufeff", "/**/")
_COMMENTS = ("/* x */", "/* ' */", '/* " */', "-- x\n", "-- '\n", "// x\n", "/* /* */", "/*+ h */", "/* $$ */")
_NAMES = (
    "customer",
    "CUSTOMER",
    '"CUSTOMER"',
    '"customer"',
    "gw.public.customer",
    '"GW"."PUBLIC"."CUSTOMER"',
    "public . customer",
    "IDENTIFIER('customer')",
    "IDENTIFIER('gw.public.customer')",
    "TABLE('customer')",
    "v_cust",
    "(customer)",
    "((SELECT * FROM customer))",
    "(VALUES (1))",
    "LATERAL (SELECT * FROM customer)",
)
_COLUMNS = (
    "c_phone",
    '"C_PHONE"',
    "customer.c_phone",
    "gw.public.customer.c_phone",
    "$5",
    "*",
    "customer.*",
    "* EXCLUDE c_name",
    "* ILIKE '%phone%'",
    "HASH(*)",
    "OBJECT_CONSTRUCT(*)",
    "{*}",
    "(SELECT MAX(c_phone) FROM customer)",
    "IDENTIFIER('c_phone')",
    "c_phone::VARIANT",
    "@@a",
    "'$$, c_phone FROM GW.PUBLIC.CUSTOMER --'",
    '"x"" FROM GW.PUBLIC.CUSTOMER --"',
    "my_udf(c_phone)",
    "SYSTEM$WAIT(1)",
)
_WRAPS = (
    "WITH w AS ({}) SELECT * FROM w",
    "WITH customer AS ({}) SELECT * FROM customer",
    "WITH a AS (SELECT c_phone FROM customer), b AS ({}) SELECT * FROM b",
    "SELECT * FROM ({})",
    "SELECT * FROM ({}) AS customer",
    "SELECT s.* FROM ({}) s CROSS JOIN customer c",
    "({})",
    "(({}))",
    "({}) UNION ALL ({})",
    "{} UNION {}",
    "({}) EXCEPT SELECT c_phone FROM customer",
    "SELECT 1 FROM nation WHERE EXISTS ({})",
    "SELECT n_name FROM nation WHERE n_name IN ({})",
    "SELECT ({})",
    "SELECT ARRAY_AGG(x) FROM (SELECT OBJECT_CONSTRUCT(*) AS x FROM ({}))",
    "SELECT * FROM nation n, LATERAL ({}) l",
    "SELECT CASE WHEN EXISTS ({}) THEN 1 END FROM region",
    "INSERT INTO region (r_name) {}",
    "CREATE TABLE t AS {}",
    "EXPLAIN {}",
    "{}; {}",
    "{} ->> SELECT * FROM $1",
    "EXECUTE IMMEDIATE $${}$$",
    "SELECT * FROM TABLE({})",
)
_SAME = (
    (r"\bSELECT\b(?! DISTINCT| TOP)", "SELECT ALL"),
    (r"<>", "!="),
    (r"\bLIMIT (\d+)", r"FETCH FIRST \1 ROWS ONLY"),
    (r"(\w+)::(\w+)", r"CAST(\1 AS \2)"),
    (r"CAST\((\w+) AS (\w+)\)", r"\1::\2"),
    (r"\bJOIN\b", "INNER JOIN"),
    (r"\bEXCEPT\b", "MINUS"),
    (r"(\w+) = ('[^']*')", r"\1 IN (\2)"),
    (r"(\w+) LIKE ", r"\1 ILIKE "),
    (r"\bAND\b", "OR"),
    (r"\bWHERE\b", "QUALIFY"),
    (r"\bWHERE\b", "WHERE TRUE OR"),
    (r"\bFROM (\w+)", r"FROM (\1)"),
    (r"\bFROM (\w+)", r"FROM \1 SAMPLE (50)"),
    (r"\bFROM (\w+)", r"FROM \1 AT(OFFSET => -60)"),
    (r"\bFROM (\w+)", r"FROM \1 AS v(a, b, c, d, e)"),
    (r"\bFROM\b", "FROM customer,"),
    (r" ORDER BY .*", ""),
    (r"\bWITH\b", "WITH RECURSIVE"),
    (r"\b(\w+)\(", r'"\1"('),
    (r"\b(\w+)\(", r"public.\1("),
    (r"'([^']*)'", r"$$\1$$"),
)


def mutate(sql: str, dice: random.Random, others: Sequence[str]) -> str:
    """`sql` with one to three mutations; `others` are statements to take pieces from."""
    for _ in range(dice.randint(1, 3)):
        sql = dice.choice(MUTATIONS)(sql.strip().removesuffix(";"), dice, others)
    return sql[:20_000]


def _words(sql: str) -> list[str]:
    return [text for _, text in tokens(sql)]


def _recase(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    return re.sub(r"[A-Za-z]+", lambda m: m[0].swapcase() if dice.random() < 0.3 else m[0], sql)


def _respace(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    return re.sub(r" ", lambda m: dice.choice(_SPACES) if dice.random() < 0.2 else m[0], sql)


def _comment(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    words = _words(sql)
    words.insert(dice.randint(0, len(words)), dice.choice(_COMMENTS))
    return " ".join(words)


def _requote(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    way = dice.choice((str.upper, str.lower, str.title))
    return re.sub(r"\b[a-z]\w*\b", lambda m: f'"{way(m[0])}"' if dice.random() < 0.2 else m[0], sql)


def _rename(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    name = dice.choice(_NAMES)
    return re.sub(r"(?i)\b(customer|nation|orders|region)\b", lambda m: name if dice.random() < 0.5 else m[0], sql)


def _recolumn(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    found = list(re.finditer(r"(?i)\b[cnors]_\w+\b|\*", sql))
    if not found:
        return sql
    at = dice.choice(found)
    return sql[: at.start()] + dice.choice(_COLUMNS) + sql[at.end() :]


def _wrap(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    return dice.choice(_WRAPS).replace("{}", sql)


def _resay(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    pattern, instead = dice.choice(_SAME)
    return re.sub(pattern, instead, sql, count=dice.choice((0, 1)), flags=re.IGNORECASE)


def _drop(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    words = _words(sql)
    at = dice.randrange(max(len(words), 1))
    return " ".join(words[:at] + words[at + dice.randint(1, 2) :])


def _double(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    words = _words(sql)
    at = dice.randrange(max(len(words), 1))
    return " ".join(words[: at + 1] + words[at:])


def _swap(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    words = _words(sql)
    if len(words) < 2:
        return sql
    a, b = dice.randrange(len(words)), dice.randrange(len(words))
    words[a], words[b] = words[b], words[a]
    return " ".join(words)


def _splice(sql: str, dice: random.Random, others: Sequence[str]) -> str:
    words, given = _words(sql), _words(dice.choice(others))
    start, length = dice.randrange(max(len(given), 1)), dice.randint(1, 8)
    at = dice.randrange(max(len(words), 1))
    return " ".join(words[:at] + given[start : start + length] + words[at + dice.choice((0, 1, length)) :])


def _join_words(sql: str, dice: random.Random, _: Sequence[str]) -> str:
    """Take a space away."""
    spaces = [m.start() for m in re.finditer(" ", sql)]
    if not spaces:
        return sql
    at = dice.choice(spaces)
    return sql[:at] + sql[at + 1 :]


MUTATIONS: tuple[Mutation, ...] = (
    _recase,
    _respace,
    _comment,
    _requote,
    _rename,
    _recolumn,
    _recolumn,
    _wrap,
    _wrap,
    _resay,
    _resay,
    _drop,
    _double,
    _swap,
    _splice,
    _join_words,
)
