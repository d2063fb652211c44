"""How a column appears follows from what is known of it, and from nothing when nothing is known: then it is secret."""

import pytest

from policy.catalog import Catalog, Column, Table, TableKind
from policy.document import load
from policy.engine import Engine
from policy.masks import Null, Redact
from policy.names import TableName
from tests.deciding.test_corners import ADA, HEAD, READS

PII = "classifications: [{name: pii, tags: [pii], columns: ['*.*.*.SSN']}]\n"
MASKED = PII + "masks: [{classification: pii, mask: {kind: redact}}]\n"
SPARED = PII + "masks: [{classification: pii, mask: {kind: redact}, unless: {groups: [staff]}}]\n"
NOTHING_PUBLIC = HEAD.replace('["D.S.*.*"]', "[]")


def shown(
    head: str, column: Column, *, kind: TableKind = TableKind.TABLE, definition: str | None = None,
    is_secure: bool = False, are_tags_known: bool = True,
) -> str:  # fmt: skip
    """How the one column of a table appears to somebody on the staff."""
    table = Table(
        TableName("D", "S", "T"), (column,), kind=kind, definition=definition, is_secure=is_secure,
        are_tags_known=are_tags_known,
    )  # fmt: skip
    by = Engine(load(f"{head}rules:\n{READS}"), Catalog.of([table]))
    [appearance] = by.audience(ADA).exposures.of(table).columns
    assert by.audience(ADA).exposures.of(table).columns[0] is appearance
    assert appearance.how == ("clear" if appearance.mask is None else f"masked: {_name(appearance.mask)}")
    return appearance.how


def _name(mask: object) -> str:
    return {Null: "null", Redact: "redact"}[type(mask)]


PLAIN, TAGGED, NAMED = Column("A", "VARCHAR"), Column("A", "VARCHAR", tags=("PII",)), Column("SSN", "VARCHAR")


@pytest.mark.parametrize(
    ("head", "column", "how"),
    [
        (HEAD, PLAIN, "clear"),
        (NOTHING_PUBLIC, PLAIN, "masked: null"),
        (HEAD + PII, TAGGED, "masked: null"),  # of a class that has no mask
        (HEAD + PII, NAMED, "masked: null"),
        (HEAD + PII, PLAIN, "clear"),
        (HEAD + MASKED, TAGGED, "masked: redact"),
        (HEAD + MASKED, NAMED, "masked: redact"),
        (HEAD + MASKED, PLAIN, "clear"),
        (NOTHING_PUBLIC + MASKED, PLAIN, "masked: null"),
        (NOTHING_PUBLIC + SPARED, TAGGED, "clear"),
        (NOTHING_PUBLIC + SPARED, PLAIN, "masked: null"),
        (HEAD + MASKED, Column("A", "NUMBER(9,0)", tags=("PII",)), "masked: null"),  # which three asterisks do not suit
        (HEAD, Column("A", "VARCHAR", native_policies=("P",)), "masked: null"),  # a wildcard does not mean it
        (HEAD.replace('"D.S.*.*"', "D.S.T.A"), Column("A", "VARCHAR", native_policies=("P",)), "clear"),
        (HEAD.replace('"D.S.*.*"', "D.S.T.B"), PLAIN, "masked: null"),
        (HEAD.replace('"D.S.*.*"', "D.S.U.A"), PLAIN, "masked: null"),
        (HEAD.replace('"D.S.*.*"', "D.R.T.A"), PLAIN, "masked: null"),
        (HEAD.replace('"D.S.*.*"', "E.S.T.A"), PLAIN, "masked: null"),
    ],
)
def test_a_column_is_clear_where_policy_says_so_and_else_as_its_classes_say(
    head: str, column: Column, how: str
) -> None:
    assert shown(head, column) == how


@pytest.mark.parametrize(
    ("head", "how"), [(HEAD + PII, "masked: null"), (HEAD + MASKED, "masked: null"), (HEAD + SPARED, "clear")]
)
def test_where_nobody_knows_the_tags_a_column_may_have_any(head: str, how: str) -> None:
    assert shown(head, PLAIN, are_tags_known=False) == how
    assert shown(head.replace("tags: [pii], ", ""), PLAIN, are_tags_known=False) == "clear"


@pytest.mark.parametrize(
    ("kind", "definition", "is_secure", "how"),
    [
        (TableKind.TABLE, None, False, "masked: null"),
        (TableKind.VIEW, "SELECT 1 AS a", False, "clear"),  # its columns come from what is protected itself
        (TableKind.VIEW, "SELECT 1 AS a", True, "masked: null"),
        (TableKind.VIEW, None, False, "masked: null"),
        (TableKind.TABLE, "SELECT 1 AS a", False, "masked: null"),
    ],
)
def test_what_is_unknown_is_clear_only_in_a_view_whose_text_is_known(
    kind: TableKind, definition: str | None, is_secure: bool, how: str
) -> None:
    assert shown(NOTHING_PUBLIC, PLAIN, kind=kind, definition=definition, is_secure=is_secure) == how
