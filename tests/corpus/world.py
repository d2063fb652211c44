"""The engine and the people that the corpus is judged with."""

import json
from functools import cache

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal, Subject
from tests.corpus.cases import HERE

DATABASE, SCHEMA, PROTECTED_TABLE = "GW", "PUBLIC", "CUSTOMER"
HIDDEN_COLUMNS = frozenset({"C_NAME", "C_ADDRESS", "C_PHONE", "C_ACCTBAL", "C_COMMENT"})
"""What policy.yaml masks."""


def principal(*groups: str) -> Principal:
    """Somebody in `groups`."""
    return Principal(Subject("ada"), "agent", "https://issuer.example", frozenset(groups))


READER = principal()
WRITER = principal("writers")


@cache
def engine() -> Engine:
    """The engine of the corpus' policy and catalog."""
    policy = load((HERE / "policy.yaml").read_text(encoding="utf-8"))
    return Engine(policy, from_document(json.loads((HERE / "catalog.json").read_text(encoding="utf-8"))))
