"""Names of tables to what they stand for, by Snowflake's rules for scope, folding and defaults.

Every reference to a table becomes a reserved placeholder, and every common table expression is renamed to a reserved
name. So where Snowflake would resolve a name otherwise than this module did, it finds nothing, instead of a table that
nobody judged. Sources: https://docs.snowflake.com/en/sql-reference/name-resolution and
https://docs.snowflake.com/en/user-guide/queries-cte
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from policy.bounds import too_deep
from policy.dialect import print_sql
from policy.fragments import past_of, refuse_sample_of_rows, sample_of
from policy.guard import position
from policy.identifiers import RESERVED_PREFIX, has_control, is_reserved, parse_dotted
from policy.names import TableName
from policy.refusal import PolicyCode, PolicyRefusal
from policy.tree import Reference

TABLE_PREFIX = f"{RESERVED_PREFIX}T"
"""What the placeholder of a table is called; its number and the statement's mark follow."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """The database and schema that a shorter name is completed with; either may be missing."""

    database: str | None = None
    schema: str | None = None


def stored(identifier: exp.Expr) -> str:
    """The name that Snowflake stores for an identifier node: `names.fold`, without a call for each name."""
    return identifier.name if identifier.args.get("quoted") else identifier.name.upper()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The references of a statement, every name of the caller's text that was replaced, and what was taken out."""

    references: tuple[Reference, ...]
    renamed: frozenset[str]
    removed: tuple[str, ...] = ()


def resolve(root: exp.Expr, nodes: Sequence[exp.Expr], defaults: Defaults, mark: str) -> Resolved:
    """Rewrite the tables and common table expressions of `root` in place; `mark` makes the placeholders unguessable.

    `nodes` are all nodes of the tree.

    Raises PolicyRefusal for a name that could mean two things, or that no default completes.
    """
    resolver = _Resolver(root, nodes, defaults, mark)
    resolver.run()
    return Resolved(tuple(resolver.references), frozenset(resolver.renamed), tuple(resolver.removed))


TABLES_MAX = 500
"""References to tables in one statement."""

_Environment = Mapping[str, str]

LEAVES = frozenset({exp.Identifier, exp.Literal})


class _Resolver:
    def __init__(self, root: exp.Expr, nodes: Sequence[exp.Expr], defaults: Defaults, mark: str) -> None:
        self._defaults = defaults
        self._mark = mark
        self._nodes = nodes
        self._kinds = frozenset(map(type, nodes))
        self._samples_more = exp.TableSample in self._kinds and _samples_more(nodes)
        self._expressions = 0
        self._target = root.this if isinstance(root, exp.DML | exp.Merge) else None
        if isinstance(self._target, exp.Schema):
            self._target = self._target.this
        self._stack: list[tuple[exp.Expr, _Environment]] = [(root, {})]
        self.references: list[Reference] = []
        self.renamed: set[str] = set()
        self.removed: list[str] = []

    def run(self) -> None:
        """Walk down from the root; what a table expression is called is known before what reads it is met."""
        if exp.With not in self._kinds:  # then every table is a table of the catalog
            for node in self._nodes:
                if isinstance(node, exp.Table):
                    self._table(node, {})
            return
        while self._stack:
            node, environment = self._stack.pop()
            if isinstance(node, exp.Table):
                self._table(node, environment)
                continue
            with_ = node.args.get("with_")
            if with_ is not None:
                environment = self._with(with_, environment)
            for child in node.iter_expressions():
                if type(child) not in LEAVES and child is not with_:
                    self._stack.append((child, environment))

    def _with(self, with_: exp.Expr, outer: _Environment) -> _Environment:
        """Rename each common table expression; each sees those before it, and itself only where it recurses."""
        environment = dict(outer)
        for cte in with_.expressions:
            identifier = cte.args["alias"].this
            name, body = stored(identifier), cte.this
            if not isinstance(body, exp.Query):
                raise _construct("a common table expression that is not a query", position(cte))
            self._expressions += 1
            self.renamed.add(identifier.name)
            fresh = f"{RESERVED_PREFIX}C{self._expressions}"
            inside: _Environment = dict(environment)
            if _names(body, name):
                if name in environment or not isinstance(body, exp.Union) or _names(body.this, name):
                    raise _construct(
                        f"the common table expression `{identifier.name}` that reads its own name",
                        position(cte),
                        "give the common table expression a name that no table has, or write the table's full name",
                    )
                inside = {**environment, name: fresh}
            self._stack.append((body, inside))
            identifier.replace(exp.to_identifier(fresh, quoted=True))
            environment[name] = fresh
        return environment

    def _table(self, table: exp.Table, environment: _Environment) -> None:
        at = position(table)
        parts, identifier = _parts(table)
        self.renamed.update(parts)
        self._name(table, identifier)
        if len(parts) == 1 and parts[0] in environment:
            if table.args.get("when") is not None:
                raise _construct("time travel on a common table expression", at, "write it after each table's name")
            refuse_sample_of_rows(table.args.get("sample"))
            table.set("this", exp.to_identifier(environment[parts[0]], quoted=True))
        else:
            if len(self.references) >= TABLES_MAX:
                raise too_deep(at)
            placeholder = f"{TABLE_PREFIX}{len(self.references)}_{self._mark}"
            name = self._complete(parts, at)
            sample = self._clause(table, "sample", sample_of)
            self.references.append(
                Reference(
                    table=name,
                    placeholder=placeholder,
                    is_target=table is self._target,
                    is_sampled=self._samples_more or bool(sample),
                    at=at,
                    past=self._clause(table, "when", past_of),
                    sample=sample,
                )
            )
            table.set("this", exp.to_identifier(placeholder, quoted=True))
        for part in ("db", "catalog"):
            if part in table.args:
                table.set(part, None)
        nested = (child for key in ("joins", "laterals", "pivots") for child in table.args.get(key) or ())
        self._stack.extend((child, environment) for child in nested)

    def _clause(self, table: exp.Expr, slot: str, write: Callable[[exp.Expr], str]) -> str:
        """Take a clause off the table: it is written into the source that stands for the table."""
        node = table.args.get(slot)
        if node is None:
            return ""
        self.removed.append(print_sql(node))
        table.set(slot, None)
        return write(node)

    def _name(self, table: exp.Table, identifier: exp.Expr) -> None:
        """Keep the name that the rest of the statement calls the table by."""
        alias = table.args.get("alias")
        if alias is not None and alias.this is not None:
            return
        select = table.parent.parent if isinstance(table.parent, exp.From) else None
        if select is not None and select.args.get("match") is not None:
            return
        if table is not self._target and not table.args.get("pivots"):
            table.set("alias", exp.TableAlias(this=_again(identifier)))

    def _complete(self, parts: tuple[str, ...], at: int | None) -> TableName:
        database = parts[-3] if len(parts) > 2 else self._defaults.database
        schema = parts[-2] if len(parts) > 1 else self._defaults.schema
        if database is None or schema is None:
            shown = ".".join(parts)
            raise PolicyRefusal(
                PolicyCode.OBJECT_NOT_FOUND,
                f"`{shown}` does not exist or is not open to you",
                "write the table's full name: DATABASE.SCHEMA.TABLE",
                at,
            )
        return TableName(database, schema, parts[-1])


def _samples_more(nodes: Sequence[exp.Expr]) -> bool:
    """Whether a sample is taken of more than a table: of a subquery, or of a common table expression."""
    samples = [node for node in nodes if type(node) is exp.TableSample]
    expressions = {stored(node.args["alias"].this) for node in nodes if type(node) is exp.CTE}
    more = False
    for sample in samples:
        table = sample.parent
        if not isinstance(table, exp.Table):
            refuse_sample_of_rows(sample)
            more = True
        elif isinstance(table.this, exp.DynamicIdentifier) or stored(table.this) in expressions:
            more = True
    return more


def _again(identifier: exp.Expr) -> exp.Expr:
    """A copy of an identifier, with its place in the caller's text; what else a copy would take is not printed."""
    again = exp.Identifier(**identifier.args)
    again.meta.update(identifier.meta)
    return again


def _parts(table: exp.Table) -> tuple[tuple[str, ...], exp.Expr]:
    """The stored parts of a table's name, and the identifier of its last part."""
    source = table.this
    if isinstance(source, exp.DynamicIdentifier):
        try:
            parts = parse_dotted(source.this.name)
        except ValueError:
            parts = ()
        if not 0 < len(parts) <= 3 or any(is_reserved(part) or has_control(part) for part in parts):
            raise _construct("IDENTIFIER of a string that is not a name", position(table))
        return parts, exp.to_identifier(parts[-1], quoted=True)
    written = [table.args.get("catalog"), table.args.get("db"), source]
    return tuple(stored(part) for part in written if part is not None), source


def _names(body: exp.Expr, name: str) -> bool:
    """Whether a table of `body` is called by the bare name `name`."""
    return any(_parts(table)[0] == (name,) for table in _tables(body))


def _tables(body: exp.Expr) -> Iterable[exp.Table]:
    return body.find_all(exp.Table)


def _construct(
    what: str, at: int | None, hint: str = "write the query with plain tables and subqueries"
) -> PolicyRefusal:
    return PolicyRefusal(PolicyCode.CONSTRUCT_NOT_ALLOWED, f"{what} is not allowed", hint, at)
