"""What is asked: statements over TPC-H, each repeated word for word, or new or unseen at every call.

A new one differs from every earlier one in a literal, an unseen one also in the name of a column of its answer: that
defeats every memory of statements, and nothing else.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

POINT = """SELECT o_orderkey, o_custkey AS customer{name}, o_orderstatus, o_totalprice, o_orderdate
FROM tpch.public.orders WHERE o_orderkey = {literal}"""

TYPICAL = """SELECT r.r_name AS region, n.n_name AS nation,
       COUNT(DISTINCT o.o_orderkey) AS orders, SUM(o.o_totalprice) AS booked, AVG(c.c_acctbal) AS balance{name}
FROM tpch.public.orders AS o
JOIN tpch.public.customer AS c ON c.c_custkey = o.o_custkey
JOIN tpch.public.nation AS n ON n.n_nationkey = c.c_nationkey
JOIN tpch.public.region AS r ON r.r_regionkey = n.n_regionkey
WHERE o.o_orderdate >= '1995-01-01'::DATE AND o.o_totalprice > {literal}
  AND c.c_mktsegment IN ('BUILDING', 'MACHINERY')
GROUP BY r.r_name, n.n_name
ORDER BY booked DESC"""

LINES = """SELECT l_orderkey, l_partkey, l_quantity, l_extendedprice, l_shipmode, l_comment
FROM tpch.public.lineitem LIMIT {rows}"""

NATIONS = 25
ROWS_LARGE = 100_000
PRICE = "173665.47"
LOT = "packed with care, lot"

numbers = itertools.count(1_000_000)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement, how many rows its answer has, and a text of which each row has one, however it is written."""

    sql: str
    rows: int
    sign: str


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of call; `calls` is how many make one burst with one in flight."""

    name: str
    title: str
    calls: int
    make: Callable[[], Query]

    def queries(self, count: int) -> Iterator[Query]:
        """`count` queries of this kind, made before the clock starts."""
        return iter([self.make() for _ in range(count)])


def _repeated(sql: str, rows: int, sign: str) -> Callable[[], Query]:
    query = Query(sql.format(literal=4_711, rows=rows, name=""), rows, sign)
    return lambda: query


def _new(sql: str, rows: int, sign: str) -> Callable[[], Query]:
    return lambda: Query(sql.format(literal=next(numbers), name=""), rows, sign)


def _unseen(sql: str, rows: int, sign: str) -> Callable[[], Query]:
    return lambda: Query(sql.format(literal=next(numbers), name=next(numbers)), rows, sign)


CASES = {
    case.name: case
    for case in (
        Case("point", "point query, repeated", 60, _repeated(POINT, 1, PRICE)),
        Case("point-new", "point query, new", 60, _new(POINT, 1, PRICE)),
        Case("point-unseen", "point query, unseen", 60, _unseen(POINT, 1, PRICE)),
        Case("typical", "ten lines, repeated", 40, _repeated(TYPICAL, NATIONS, "NATION ")),
        Case("typical-new", "ten lines, new", 40, _new(TYPICAL, NATIONS, "NATION ")),
        Case("typical-unseen", "ten lines, unseen", 40, _unseen(TYPICAL, NATIONS, "NATION ")),
        Case("rows1k", "1,000 rows", 20, _repeated(LINES, 1_000, LOT)),
        Case("rows100k", "100,000 rows", 2, _repeated(LINES, ROWS_LARGE, LOT)),
    )
}
