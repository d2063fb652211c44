"""The engine: a policy and a catalog, ready to say what any principal may do. Immutable in what it says.

It remembers what it has said, within bounds: texts by their exact wording, but for literals that may be any
(templates.py; others are part of the structure, as in `ORDER BY 1`), audiences by which `who`s match, decisions by
statement, audience and row limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from policy.audience import Audience, AudienceKey, compile_audience, key_of
from policy.catalog import Catalog, Table, TableKind
from policy.change_probes import probes_of_change
from policy.circumstances import UNKNOWN, Circumstances, Footprint
from policy.claims import asked_of
from policy.conditions import ESTIMATED, REMEMBERED
from policy.decide import bounded_rows, decide_sql
from policy.decide_change import decide_change
from policy.decision import Decision, Deny, Hold, Permit, RunSql
from policy.describe import CatalogIndex, decide_schema
from policy.dialect import PARSER_VERSION
from policy.facts import facts_of_call, facts_of_statement, tables_met
from policy.filters import parse_filter
from policy.holding import decide_holds
from policy.lru import Lru
from policy.mask_back import refuse_masked
from policy.names import TableName
from policy.principal import Principal
from policy.probes import Cell, probes_of
from policy.questions import Questions, cells_shown, questions_of
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import Defaults
from policy.rulebook import Policy
from policy.rules import reaches
from policy.ruling import Bits, Ruling
from policy.statement import Drop, DropColumn, HoldsRequest, SchemaRequest, SqlStatement, Statement, Verb
from policy.templates import Templates
from policy.understand import understand
from policy.views import view_statement

STATEMENTS_REMEMBERED = 512
DECISIONS_REMEMBERED = 2048
FACTS_REMEMBERED = 256
FACTS_PLACES_MAX = 20
"""References to tables of a statement whose facts are still remembered; longer ones are rare and large."""
REMEMBERED_CHARACTERS_MAX = 4_000
BREAKS_NAMED_MAX = 20
AUDIENCES_REMEMBERED = 128
PRINCIPALS_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a decision rests on: SHA-256 digests of policy and catalog in hex, and the parser's version."""

    policy: str
    catalog: str
    parser: str


class Engine:
    """Says what a statement is and what a principal may do with it. Pure: equal questions have equal answers."""

    def __init__(self, policy: Policy, catalog: Catalog) -> None:
        """Ready `policy` for `catalog`; raises PolicyDocumentError if a row filter cannot be used."""
        self.policy = policy
        self.catalog = catalog
        self.provenance = Provenance(policy.digest, catalog.digest, f"sqlglot {PARSER_VERSION}")
        self._conditions = {each.id: parse_filter(each.id, each.where, policy.functions) for each in policy.row_filters}
        self._asked = asked_of(self._conditions.values())
        self._has_conditions = policy.has_conditions
        self._index = CatalogIndex(catalog)
        self._views: dict[int, SqlStatement | None] = {}
        self._statements: Lru[str, SqlStatement | PolicyRefusal] = Lru(STATEMENTS_REMEMBERED)
        self._templates = Templates(self._understood)
        self._decisions: Lru[tuple[str, AudienceKey, int | None, Bits], Decision] = Lru(DECISIONS_REMEMBERED)
        self._facts: Lru[tuple[str, AudienceKey], dict[str, Any]] = Lru(FACTS_REMEMBERED)
        self._audiences: Lru[AudienceKey, Audience] = Lru(AUDIENCES_REMEMBERED)
        self._keys: Lru[Principal, tuple[AudienceKey]] = Lru(PRINCIPALS_REMEMBERED)
        self._visible: Lru[AudienceKey, tuple[Table, ...]] = Lru(AUDIENCES_REMEMBERED)

    def understand(self, text: str) -> SqlStatement:
        """The statement that `text` is, query or write. Raises PolicyRefusal, and nothing else."""
        known = self._statements.get(text)
        if known is None:
            try:
                known = self._templates.filled(text)
                if known is None:
                    known = self._understood(text)
                    self._templates.learn(text, known)
            except PolicyRefusal as refusal:
                known = PolicyRefusal(refusal.code, refusal.message, refusal.hint, refusal.at)
            if len(text) <= REMEMBERED_CHARACTERS_MAX:
                self._statements.put(text, known)
        if isinstance(known, PolicyRefusal):
            raise PolicyRefusal(known.code, known.message, known.hint, known.at)
        return known

    def _understood(self, text: str) -> SqlStatement:
        """The statement that `text` is, whatever is remembered."""
        given = (self.catalog.tables, self.policy.defaults, self.policy.functions)
        return understand(text, *given, observing=self._has_conditions)

    def parse(self, text: str, *, parameters: int, is_write: bool) -> SqlStatement:
        """The statement that `text` is, if it came through the right tool with one value for each `?`.

        Raises PolicyRefusal, and nothing else.
        """
        statement = self.understand(text)
        if is_write and statement.verb is Verb.READ:
            raise PolicyRefusal(
                PolicyCode.WRONG_TOOL,
                "the statement only reads",
                "use run_query for queries; request_write is for changes",
            )
        if not is_write and statement.verb is not Verb.READ:
            raise PolicyRefusal(
                PolicyCode.WRONG_TOOL,
                "the statement changes data",
                "use request_write for changes; run_query only reads",
            )
        if statement.binds != parameters:
            raise PolicyRefusal(
                PolicyCode.BAD_PARAMETERS,
                f"the statement has {statement.binds} `?` and {parameters} parameters were given",
                "give one parameter for each `?`, in order",
            )
        return statement

    def decide(
        self,
        principal: Principal,
        statement: Statement,
        *,
        rows_max: int | None = None,
        circumstances: Circumstances = UNKNOWN,
    ) -> Decision:
        """What `principal` may do with `statement`; `rows_max` is asked for, and bounded by the policy's limit.

        Conditions of rules may ask for `circumstances`; what is not known of them never permits.
        """
        audience = self.audience(principal)
        match statement:
            case SqlStatement():
                return self._decide_sql(audience, principal, statement, rows_max, circumstances)
            case SchemaRequest():
                return decide_schema(audience, self.visible(audience), self._index, statement)
            case HoldsRequest():
                return decide_holds(self.policy.approving, principal, statement)
            case _:
                assert_never(statement)

    def _decide_sql(
        self,
        audience: Audience,
        principal: Principal,
        statement: SqlStatement,
        rows_max: int | None,
        circumstances: Circumstances,
        hoped: frozenset[str] = frozenset(),
    ) -> Decision:
        ruling: Ruling | None = None
        bits: Bits = ()
        if audience.rules.loose:
            ruling = self._ruling(audience, principal, statement, rows_max, circumstances, hoped)
            bits = ruling.bits(statement.verb)
        question = (statement.digest, audience.key, rows_max, bits)
        decision = self._decisions.get(question)
        if decision is None:
            limits = self.policy.limits
            ruling = ruling or self._ruling(audience, principal, statement, rows_max, circumstances, hoped)
            if statement.change is not None:
                decision = decide_change(audience, ruling, self.catalog.tables, limits, statement)
            else:
                decision = decide_sql(audience, ruling, self.catalog.tables, limits, statement, rows_max)
            if _length(decision) <= REMEMBERED_CHARACTERS_MAX:
                self._decisions.put(question, decision)
        return decision

    def remembers(self, principal: Principal) -> bool:
        """Whether any rule about `principal` asks for the history of a session."""
        return any(name.startswith(REMEMBERED) for name in self.audience(principal).rules.asks_call)

    def asked_of_call(self, principal: Principal, statement: SqlStatement) -> frozenset[str]:
        """The facts that the rules about `statement`, and so the decision on it, may ask for; those of the call too."""
        loose = self.audience(principal).rules.loose_for[statement.verb]
        if not loose:
            return frozenset()
        met = self.tables_of(principal, statement) | ({statement.target} if statement.target is not None else set())
        reaching = (rule for rule in loose if any(reaches(rule, name) for name in met))
        return frozenset[str]().union(*(rule.when.names for rule in reaching if rule.when is not None))

    def tables_of(self, principal: Principal, statement: SqlStatement) -> frozenset[TableName]:
        """The tables and views of the catalog that `statement` reads or writes, through views too."""
        views = self.audience(principal).views
        return frozenset(table.name for table, _ in tables_met(statement.tree, self.catalog.tables, views))

    def estimable(
        self, principal: Principal, statement: SqlStatement, *, rows_max: int | None, circumstances: Circumstances
    ) -> RunSql | None:
        """What is to be estimated for the decision on `statement`: what would run if the estimate were to please.

        None if no rule about it asks for an estimate, or none could help.
        """
        audience = self.audience(principal)
        if audience.rules.asks_call.isdisjoint(ESTIMATED) or statement.change is not None:
            return None
        if self.asked_of_call(principal, statement).isdisjoint(ESTIMATED):
            return None
        match self._decide_sql(audience, principal, statement, rows_max, circumstances, ESTIMATED):
            case Permit(_, RunSql() as action) | Hold(_, Permit(_, RunSql() as action)):
                return action
            case _:
                return None

    def footprint(self, principal: Principal, statement: SqlStatement) -> Footprint:
        """What `statement` adds to the history of a session once it is permitted."""
        facts = self._facts_of(self.audience(principal), statement)
        clear = frozenset(name for name, columns in facts.get("clear", {}).items() if columns)
        return Footprint(frozenset(map(str, self.tables_of(principal, statement))), clear)

    def questions(self, principal: Principal, statement: SqlStatement, text: str) -> Questions:
        """What to ask Snowflake to learn what the write `text`, understood as `statement`, would do. Raises nothing."""
        if statement.change is not None and statement.target is not None:
            table = self.catalog.tables.get(statement.target)
            probes = probes_of_change(statement.change, statement.target, table, self.understand)
        else:
            given = (self.catalog.tables, self.policy.defaults, self.policy.functions)
            probes = probes_of(text, statement, *given, observing=self._has_conditions)
        sampling = probes.sampling
        decision = None if sampling is None else self.decide(principal, sampling.probe.statement)
        return questions_of(self.audience(principal), probes, decision)

    def refuse_values(self, principal: Principal, statement: SqlStatement, values: Sequence[object]) -> Deny | None:
        """The refusal of a write whose bind values carry what a mask shows `principal`, or None."""
        table = None if statement.target is None else self.catalog.tables.get(statement.target)
        if table is None:
            return None
        return refuse_masked(self.audience(principal).exposures, table, statement.tree.shape.assigned, values)

    def overwrites(self, principal: Principal, statement: SqlStatement) -> tuple[str, ...]:
        """Columns of which `statement` changes the value and `principal` sees only what a mask shows."""
        table = None if statement.target is None else self.catalog.tables.get(statement.target)
        shape = statement.tree.shape
        if table is None or statement.verb not in (Verb.UPDATE, Verb.MERGE):
            return ()
        columns = self.audience(principal).exposures.of(table).columns
        return tuple(
            each.name
            for each in columns
            if each.mask is not None and (shape.names is None or each.name in shape.names - shape.values)
        )

    def breaks(self, principal: Principal, statement: SqlStatement) -> tuple[str, ...]:
        """What `principal` may know of that names the table which `statement` takes away, or a column of it."""
        if not isinstance(statement.change, Drop | DropColumn):
            return ()
        named: list[Table] = []
        for table in self.visible(self.audience(principal)):
            body = self._view(table)
            keys = any(key.target == statement.target for key in table.foreign_keys)
            if table.name != statement.target and (keys or (body is not None and statement.target in body.reads)):
                named.append(table)
        return tuple(str(table.name) for table in named[:BREAKS_NAMED_MAX])

    def cells_shown(
        self, principal: Principal, target: TableName, others: Sequence[TableName], cells: Sequence[Cell]
    ) -> tuple[bool, ...]:
        """Which cells of a sample of rows of `target` (and of `others`) `principal` may see."""
        return cells_shown(self.audience(principal), self.catalog.tables, target, others, cells)

    def _ruling(
        self,
        audience: Audience,
        principal: Principal,
        statement: SqlStatement,
        rows_max: int | None,
        circumstances: Circumstances,
        hoped: frozenset[str],
    ) -> Ruling:
        """The rules of an audience, ready for one statement in one call."""
        bounded = bounded_rows(self.policy.limits, rows_max)
        return Ruling(
            audience.rules,
            lambda: self._facts_of(audience, statement),
            lambda: facts_of_call(principal, circumstances, bounded),
            hoped,
        )

    def _facts_of(self, audience: Audience, statement: SqlStatement) -> dict[str, Any]:
        """What conditions may ask of a statement, remembered."""
        place = (statement.digest, audience.key)
        fixed = self._facts.get(place)
        if fixed is None:
            classes = [each.name for each in self.policy.classifications]
            fixed = facts_of_statement(statement, self.catalog.tables, audience.exposures, audience.views, classes)
            if len(statement.tree.places) <= FACTS_PLACES_MAX:
                self._facts.put(place, fixed)
        return fixed

    def audience(self, principal: Principal) -> Audience:
        """What the policy comes to for `principal`."""
        known = self._keys.get(principal)
        (key,) = (
            known if known is not None else self._keys.put(principal, (key_of(self.policy, principal, self._asked),))
        )
        audience = self._audiences.get(key)
        if audience is None:
            audience = compile_audience(self.policy, self.catalog, self._conditions, self._asked, self._view, key)
            self._audiences.put(key, audience)
        return audience

    def visible(self, audience: Audience) -> tuple[Table, ...]:
        """The tables that the audience may know of, in name order."""
        known = self._visible.get(audience.key)
        if known is None:
            known = tuple(table for table in self._index.tables if audience.rules.is_visible(table.name))
            self._visible.put(audience.key, known)
        return known

    def _view(self, view: Table) -> SqlStatement | None:
        """The understood text of a view, or None where it cannot be looked into."""
        if view.kind is not TableKind.VIEW or view.definition is None:
            return None
        if id(view) not in self._views:
            defaults = Defaults(view.name.database, view.name.schema)
            given = (self.catalog.tables, defaults, self.policy.functions)
            self._views[id(view)] = view_statement(view.definition, *given, observing=self._has_conditions)
        return self._views[id(view)]


def _length(decision: Decision) -> int:
    """Characters of SQL that keeping `decision` would keep."""
    match decision:
        case Deny():
            return 0
        case Hold(_, then):
            return _length(then)
        case Permit(_, action):
            return len(action.sql) if isinstance(action, RunSql) else 0
        case _:
            assert_never(decision)
