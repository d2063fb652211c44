"""A caller's text to one understood statement: parse, guard, resolve, print, verify.

Nothing here depends on who asks, and only the list of columns depends on the catalog: whether a table exists or is open
to the caller is left to the decision, so that the two are answered alike.
"""

from collections.abc import Iterable, Mapping

from sqlglot import exp

from policy.bounds import too_deep
from policy.catalog import Table
from policy.columns import check_columns
from policy.flows import assigned
from policy.guard import below, guard
from policy.idioms import say_plainly
from policy.names import TableName
from policy.printing import mark_of, print_verified
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import Defaults, Resolved, resolve, stored
from policy.statement import WRITES, SqlStatement, Verb
from policy.structure import structure_of
from policy.syntax import Parsed, parse_one
from policy.table_changes import understand_change
from policy.tree import Columns, Shape, Tree

_NONE = frozenset[str]()
_NOTHING = frozenset[int]()
_ASIDE = (exp.Query, exp.Exists)
_TELLING = frozenset({exp.Identifier, exp.Select, exp.Star, exp.Insert, exp.When, exp.Pivot, exp.Join})
"""The kinds of node that the shape of a statement depends on, wherever they stand."""


def understand(
    text: str,
    tables: Mapping[TableName, Table],
    defaults: Defaults,
    opened: frozenset[str] = frozenset(),
    *,
    observing: bool = False,
) -> SqlStatement:
    """The statement that `text` is; `opened` are further function names; `observing` asks for its structure too.

    Raises PolicyRefusal, and nothing else.
    """
    try:
        change = understand_change(text, defaults)
        if change is not None:
            return change
        return understand_tree(parse_one(text), text, tables, defaults, opened, observing=observing)
    except RecursionError:
        raise too_deep() from None
    except PolicyRefusal:
        raise
    except Exception as error:
        raise PolicyRefusal(
            PolicyCode.SYNTAX_ERROR, "the statement cannot be understood", "write it in plain Snowflake SQL"
        ) from error


def understand_tree(
    parsed: Parsed,
    text: str,
    tables: Mapping[TableName, Table],
    defaults: Defaults,
    opened: frozenset[str],
    *,
    observing: bool = False,
) -> SqlStatement:
    """As `understand`, from a tree that is already parsed; the tree is used up."""
    root, verb = parsed.root, parsed.verb
    unsaid = say_plainly(root, text, tables, defaults)
    nodes = guard(root, text, opened)
    resolved = resolve(root, nodes, defaults, mark_of(text))
    resolved = Resolved(resolved.references, resolved.renamed.union(unsaid, _places(nodes)), resolved.removed)
    references = resolved.references
    targets = [reference.table for reference in references if reference.is_target]
    if len(targets) != (verb is not Verb.READ) or any(r.is_target and (r.past or r.sample) for r in references):
        raise PolicyRefusal(
            PolicyCode.CONSTRUCT_NOT_ALLOWED, "a write to anything but one table is not allowed", "name one table"
        )
    by_placeholder = {reference.placeholder: reference.table for reference in references}

    def lookup(name: str) -> tuple[TableName, Columns] | None:
        table = by_placeholder.get(name)
        if table is None:
            return None
        known = tables.get(table)
        return table, None if known is None else tuple([column.name for column in known.columns])

    def table_of(name: str) -> Table | None:
        table = by_placeholder.get(name)
        return None if table is None else tables.get(table)

    columns = check_columns(root, lookup)
    shape = _shape(root, nodes, verb, is_certain=columns.is_certain)
    structure = structure_of(root, verb, lookup, table_of) if observing else None
    printed = print_verified(parsed, resolved, opened)
    tree = Tree(printed.pieces, printed.places, shape, columns, structure)
    return SqlStatement(
        verb=verb,
        reads=frozenset(reference.table for reference in references if not reference.is_target),
        target=targets[0] if targets else None,
        functions=printed.functions,
        binds=parsed.binds,
        skeleton=printed.skeleton,
        literals=printed.literals,
        digest=tree.digest(),
        tree=tree,
    )


def _shape(root: exp.Expr, nodes: Iterable[exp.Expr], verb: Verb, *, is_certain: bool) -> Shape:
    """The shape of a resolved tree, which was made of `nodes`; parts of tables' names that were replaced are none."""
    names: set[str] = set()
    looked_at: set[str] = set()
    receiving = _NOTHING if verb is Verb.READ else _receiving(root)
    is_closed = is_certain
    is_whole = verb is Verb.DELETE
    has_star = False
    selects = 0
    for node in [node for node in nodes if type(node) in _TELLING]:
        kind = type(node)
        if kind is exp.Identifier:
            if type(node.parent) is not exp.Table:
                name = stored(node)
                names.add(name)
                if id(node) not in receiving:
                    looked_at.add(name)
        elif kind is exp.Select:
            selects += 1
        elif kind is exp.Star:
            # A star that picks columns counts other rows when other columns are there.
            has_star = has_star or not isinstance(node.parent, exp.Count) or any(node.args.values())
        elif kind is exp.Insert and not isinstance(node.this, exp.Schema | exp.Tuple):
            is_whole = True  # without a list of columns it writes them all, and names none
        elif kind is exp.When:
            is_whole = is_whole or _branch(node) is Verb.DELETE
        elif kind is exp.Pivot or (kind is exp.Join and node.args.get("method") == "NATURAL"):
            is_closed = False
    where = root.args.get("on" if verb is Verb.MERGE else "where")
    return Shape(
        names=frozenset(names) if is_closed and not has_star else None,
        values=frozenset(_value_names(root)) if verb is not Verb.READ else _NONE,
        has_star=has_star,
        has_where=where is not None and _looks_at_a_column(where),
        branches=frozenset(_branch(when).value for when in root.find_all(exp.When)) if verb is Verb.MERGE else _NONE,
        is_whole=is_whole,
        looked_at=frozenset(looked_at) if is_closed and not has_star else None,
        assigned=assigned(root) if verb in WRITES else (),
        answers=max(1, selects),
    )


def _places(nodes: Iterable[exp.Expr]) -> set[str]:
    """The databases and schemas before columns: they are compared with those of the column's table, and not printed."""
    qualified = (node for node in nodes if type(node) is exp.Column and node.args.get("db") is not None)
    return {part.name for node in qualified for key in ("db", "catalog") if (part := node.args.get(key)) is not None}


def _looks_at_a_column(condition: exp.Expr) -> bool:
    """Whether a condition looks at a column itself, and not only in a subquery of it."""
    level = [condition]
    while level:
        if any(isinstance(node, exp.Column) for node in level):
            return True
        level = below([node for node in level if not isinstance(node, _ASIDE)])
    return False


def _branch(when: exp.Expr) -> Verb:
    """What one WHEN of a MERGE does; what is no INSERT and no UPDATE deletes."""
    then = when.args.get("then")
    return Verb.INSERT if isinstance(then, exp.Insert) else Verb.UPDATE if isinstance(then, exp.Update) else Verb.DELETE


def _value_names(root: exp.Expr) -> Iterable[str]:
    """Names of columns that a write looks at; a column that it only assigns to is not looked at.

    A lambda's parameter counts as one: where it has a column's name, nothing here rests on which of the two is meant.
    """
    receiving = {id(column) for column in _receivers(root)}
    for node in root.find_all(exp.Column, exp.Lambda):
        if isinstance(node, exp.Lambda):
            yield from map(stored, node.expressions)
        elif id(node) not in receiving and _is_named(node):
            yield stored(node.this)


def _is_named(column: exp.Expr) -> bool:
    return isinstance(column.this, exp.Identifier)


def _receiving(root: exp.Expr) -> frozenset[int]:
    """The identities of the names of columns that a write assigns to."""
    names = {id(column.this) for column in _receivers(root)}
    if isinstance(root.this, exp.Schema):
        names.update(map(id, root.this.expressions))
    return frozenset(names)


def _receivers(root: exp.Expr) -> Iterable[exp.Expr]:
    """The column nodes that an UPDATE, INSERT or MERGE assigns to."""
    for update in root.find_all(exp.Update):
        yield from (each.this for each in update.expressions if isinstance(each, exp.EQ))
    for insert in root.find_all(exp.Insert):
        if isinstance(insert.this, exp.Tuple):
            yield from insert.this.expressions
