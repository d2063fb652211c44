"""`snowgate init`: a first policy out of what the account says of itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.progress import track

from policy.catalog import Catalog
from policy.document import load as load_policy
from policy.drafting import Draft, Wishes, draft
from policy.identifiers import split_dotted
from server.catalog_loader import CatalogTooLarge, load_catalog
from server.cli.doctor import pool_of
from server.cli.policy_files import read_catalog
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.pool import Pooled, SessionPool
from server.refusals import StatementFailed
from server.snowflake_settings import catalog_kind


def init(
    group: Annotated[list[str], typer.Option(help="A group whose people's agents may ask; may be repeated.")],
    env_file: EnvFile = None,
    catalog: Annotated[
        Path | None, typer.Option(help="JSON of `snowgate snowflake catalog`, instead of asking the account.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where it goes; by default SNOWGATE_POLICY.")] = None,
    schema: Annotated[
        list[str] | None, typer.Option(help="DATABASE.SCHEMA that they may read, all hidden; may be repeated.")
    ] = None,
    read_role: Annotated[str, typer.Option(help="The role of Snowflake that they read with.")] = "AGENT_RO",
    warehouse: Annotated[str, typer.Option(help="The warehouse that they read on.")] = "SNOWGATE_WH",
) -> None:
    """Write a first policy from the account's catalog and tags: nothing is clear, and it says what is unknown."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with failing_cleanly():
        if catalog is not None:
            path, found = output or Path("policy.yaml"), read_catalog(catalog)
            _refuse_to_overwrite(path)
        else:
            settings = load(env_file)
            path = output or settings.policy
            _refuse_to_overwrite(path)
            found = anyio.run(_asked, settings, console)
        wishes = Wishes(tuple(group), read_role, warehouse, tuple(_schemas(schema or (), found)))
        written = draft(found, wishes)
        load_policy(written.text)  # what is written is read once as the gate will
        with path.open("x", encoding="utf-8") as file:
            file.write(written.text)
        _tell(console, path, written, found)


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise SettingsError(f"there is a file at {path} already", "name another with --output, or move it away")


def _tell(console: Console, path: Path, written: Draft, catalog: Catalog) -> None:
    tables = len(catalog.tables)
    console.print(f"{path}: {tables} tables and views, {written.columns} columns, none clear to anybody", markup=False)
    console.print(f"  {written.by_tag} have tags, {written.by_name} have a name like personal data", markup=False)
    console.print("What could not be known:", markup=False)
    for each in written.unknown:
        console.print(f"  - {each}", markup=False)
    console.print(f"Read it, then: snowgate policy check {path}", markup=False)


def _schemas(written: Iterable[str], catalog: Catalog) -> Iterable[tuple[str, str]]:
    known = {(name.database, name.schema) for name in catalog.tables}
    for each in written:
        try:
            database, schema = (part.name for part in split_dotted(each))
        except ValueError:
            raise SettingsError(f"`{each}` is not DATABASE.SCHEMA") from None
        if (database, schema) not in known:
            raise SettingsError(f"the catalog has nothing in `{each}`", "it is spelled otherwise, or not visible")
        yield database, schema


async def _asked(settings: Settings, console: Console) -> Catalog:
    """The account's catalog, with tags and policies if the catalog's role may read them."""
    async with pool_of(settings) as pool:
        pooled = await pool.borrow(catalog_kind(settings))
        try:
            try:
                return await _read(settings, pool, pooled, console, is_governed=True)
            except StatementFailed:
                return await _read(settings, pool, pooled, console, is_governed=False)
        except CatalogTooLarge as error:
            raise SettingsError(f"the database {error} has too many columns to be read") from None
        finally:
            pool.give_back(pooled)


async def _read(
    settings: Settings, pool: SessionPool, pooled: Pooled, console: Console, *, is_governed: bool
) -> Catalog:
    what = "reading databases, tags and policies" if is_governed else "reading databases, without tags"

    def read() -> Catalog:
        databases = track(settings.databases, what, console=console, transient=True, disable=not console.is_terminal)
        return load_catalog(pooled.session, databases, is_governed=is_governed).catalog

    return await pool.in_thread(read)
