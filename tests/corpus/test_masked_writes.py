"""A write names its table itself, so what is masked in it is looked for in every place of the statement."""

from functools import cache

import pytest

from policy.document import load
from policy.engine import Engine
from policy.report import judge
from tests.corpus.world import WRITER, engine

POLICY = """
version: 1
defaults: {database: GW, schema: PUBLIC}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: ["GW.PUBLIC.*.*"]
classifications: [{name: secret, columns: [GW.PUBLIC.CUSTOMER.C_PHONE, GW.PUBLIC.CUSTOMER.C_ACCTBAL]}]
masks: [{classification: secret, mask: {kind: null}}]
rules: [{id: write, effect: permit, who: {anyone: true}, verbs: [read, write], tables: ["GW.PUBLIC.*"]}]
"""


@cache
def _engine() -> Engine:
    return Engine(load(POLICY), engine().catalog)


@pytest.mark.parametrize(
    "value",
    [
        "c_phone",
        '"C_PHONE"',
        "customer.c_phone",
        "gw.public.customer.c_phone",
        "(SELECT c_phone)",
        "(SELECT MAX(c_phone) FROM nation)",
        "(SELECT x FROM (SELECT c_name AS c_phone, c_phone AS x))",
        "(SELECT LISTAGG(f.value) FROM TABLE(FLATTEN(INPUT => SPLIT(c_phone, '-'))) f)",
        "OBJECT_CONSTRUCT(*)::VARCHAR",
        "(SELECT OBJECT_CONSTRUCT(customer.*)::VARCHAR)",
        "{*}::VARCHAR",
        "{customer.*}::VARCHAR",
        "HASH(*)::VARCHAR",
        "IFF(c_acctbal > 0, 'a', 'b')",
        "ARRAY_TO_STRING(TRANSFORM([1], x -> c_phone), '')",
        "ARRAY_TO_STRING(TRANSFORM([1], c_phone -> c_phone), '')",
        "CASE WHEN EXISTS (SELECT 1 FROM nation WHERE n_name > c_phone) THEN 'a' END",
    ],
)
def test_no_write_moves_a_masked_value_to_a_clear_column(value: str) -> None:
    for sql in (
        f"UPDATE customer SET c_name = {value} WHERE c_custkey = 1",
        f"DELETE FROM customer WHERE c_name = {value}",
        f"MERGE INTO customer USING nation ON c_custkey = n_nationkey WHEN MATCHED THEN UPDATE SET c_name = {value}",
        f"MERGE INTO customer USING nation ON c_name = {value} WHEN MATCHED THEN DELETE",
    ):
        assert judge(_engine(), WRITER, sql, "")["decision"] == "deny", sql


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE customer SET c_phone = 'new' WHERE c_custkey = 1",
        "UPDATE customer SET c_name = c_mktsegment WHERE gw.public.customer.c_custkey = 1",
        "UPDATE customer SET c_name = ARRAY_TO_STRING(TRANSFORM([1], x -> x + 1), '') WHERE c_custkey = 1",
        "INSERT INTO customer (c_custkey, c_phone) SELECT 1, s_phone FROM supplier",
        "INSERT INTO sales (note) SELECT c_name FROM customer",
        "MERGE INTO nation t USING customer n ON n_nationkey = c_custkey WHEN MATCHED THEN UPDATE SET n_name = c_name",
    ],
)
def test_what_touches_no_masked_value_is_permitted(sql: str) -> None:
    assert judge(_engine(), WRITER, sql, "")["decision"] == "permit"
