"""What decisions rest on, kept under its digest as long as the decisions: policies and catalogs."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from policy.catalog import Catalog
from policy.catalog_json import catalog_json, read_catalog_json
from policy.document import Policy, PolicyDocumentError, load
from policy.engine import Engine
from server.config import SettingsError
from server.rule_sets import read_rule_sets

Kind = Literal["policy", "catalog"]

_KEEP = text("""
    insert into journal.bundle (kind, digest, body) values (:kind, :digest, :body) on conflict do nothing
""")
_FIND = text("select body from journal.bundle where kind = :kind and digest = :digest")


def policy_bundle(path: Path, policy: Policy) -> bytes:
    """The texts that `policy` was read from, so that it can be read again.

    Raises:
        SettingsError: the file at `path` is not what it was when the policy was read.
    """
    try:
        source, rule_sets = path.read_text(encoding="utf-8"), read_rule_sets(path.parent)
        if load(source, rule_sets).digest == policy.digest:
            return bundle_of(source, rule_sets)
    except (OSError, UnicodeDecodeError, PolicyDocumentError):
        pass
    raise SettingsError(f"{path} was changed while it was read", "start again")


def bundle_of(text: str, rule_sets: Mapping[str, str]) -> bytes:
    """A policy's text and the rule sets that it may include, as they are kept."""
    return json.dumps({"text": text, "rule_sets": dict(rule_sets)}).encode()


@dataclass(frozen=True, slots=True)
class Bundles:
    """Keeps, in the database of the journal, the engine that comes into force, and journals that it does."""

    database: AsyncEngine
    journal: Journal
    policies: dict[str, bytes] = field(default_factory=dict)
    """By their digests, the policies that may come into force; see `policy_bundle` and `bundle_of`."""

    async def keep(self, engine: Engine) -> None:
        """Keep what `engine` decides by, before it decides anything.

        Raises:
            SQLAlchemyError, OSError, JournalUnavailable: it is not kept.
        """
        by = engine.provenance
        catalog = await anyio.to_thread.run_sync(lambda: zlib.compress(catalog_json(engine.catalog), 6))
        async with self.database.begin() as connection:
            policy = {"kind": "policy", "digest": by.policy, "body": zlib.compress(self.policies[by.policy])}
            await connection.execute(_KEEP, [policy, {"kind": "catalog", "digest": by.catalog, "body": catalog}])
        facts = {"policy": by.policy, "catalog": by.catalog, "parser": by.parser}
        await self.journal.append("", "policy.activated", facts)


async def kept_policy(database: AsyncEngine, digest: str) -> Policy | None:
    """The policy with this digest, if it is kept and is what it should be. Needs the privileges of a reader."""
    body = await _find(database, "policy", digest)
    if body is None:
        return None
    try:
        told = json.loads(body)
        policy = load(told["text"], told["rule_sets"])
    except (ValueError, KeyError, TypeError, PolicyDocumentError):
        return None
    return policy if policy.digest == digest else None


async def kept_catalog(database: AsyncEngine, digest: str) -> Catalog | None:
    """The catalog with this digest, if it is kept and is what it should be. Needs the privileges of a reader."""
    body = await _find(database, "catalog", digest)
    if body is None:
        return None
    try:
        catalog = await anyio.to_thread.run_sync(read_catalog_json, body)
    except ValueError:
        return None
    return catalog if catalog.digest == digest else None


async def _find(database: AsyncEngine, kind: Kind, digest: str) -> bytes | None:
    async with database.connect() as connection:
        body = (await connection.execute(_FIND, {"kind": kind, "digest": digest})).scalar_one_or_none()
    try:
        return None if body is None else zlib.decompress(bytes(body))
    except zlib.error:
        return None
