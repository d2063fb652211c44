"""`snowgate snowflake`: the SQL that an administrator runs once, to be read first; the catalog as the gate sees it."""

import functools
import sys
from pathlib import Path
from typing import Annotated

import anyio
import orjson
import typer

from policy.catalog import Catalog
from policy.catalog_document import to_document
from server.bootstrap import BROKERS, Wanted, bootstrap
from server.brokers.signing import public_key_of
from server.catalog_loader import CatalogTooLarge, load_catalog
from server.cli.doctor import pool_of
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import BrokerName, Settings, SettingsError, load
from server.snowflake_settings import catalog_kind

snowflake_app = typer.Typer(help="What has to be set up in Snowflake.", no_args_is_help=True)

PUBLIC_KEY_HERE = "MIIBIjANBg... (openssl rsa -in lease.pem -pubout -outform DER | base64 -w0)"


@snowflake_app.callback()
def snowflake() -> None:
    """What has to be set up in Snowflake."""


@snowflake_app.command()
def setup(
    broker: Annotated[str, typer.Option(help=f"One of {', '.join(BROKERS)}.")] = "external_oauth",
    database: Annotated[list[str] | None, typer.Option(help="A database to read; may be repeated.")] = None,
    person: Annotated[list[str] | None, typer.Option(help="A person's user; may be repeated.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="Where the gate comes from, as CIDR.")] = None,
    read_role: str = "AGENT_RO",
    write_role: Annotated[str | None, typer.Option(help="A role for writes, if agents may ask for any.")] = None,
    warehouse: str = "SNOWGATE_WH",
    issuer: str = "https://gate.example.com/",
    audience: str = "https://org-account.snowflakecomputing.com",
    key_file: Annotated[Path | None, typer.Option(help="PEM whose public half Snowflake is to believe.")] = None,
) -> None:
    """Print the least-privilege SQL for one way to open sessions; nothing is sent anywhere."""
    with failing_cleanly():
        typer.echo(
            bootstrap(
                Wanted(
                    broker=_broker_named(broker),
                    databases=tuple(database or ("CRM",)),
                    read_role=read_role,
                    write_role=write_role,
                    catalog_role="SNOWGATE_CATALOG",
                    catalog_user="SNOWGATE_CATALOG",
                    broker_role="SNOWGATE_BROKER",
                    broker_user="SNOWGATE_BROKER",
                    warehouse=warehouse,
                    people=tuple(person or ("ADA",)),
                    addresses=tuple(address or ("192.0.2.10/32",)),
                    issuer=issuer,
                    audience=audience,
                    public_key=PUBLIC_KEY_HERE if key_file is None else public_key_of(key_file),
                )
            ),
            nl=False,
        )


@snowflake_app.command()
def catalog(
    env_file: EnvFile = None,
    tags: Annotated[bool, typer.Option(help="With tags and policies, which take further roles.")] = True,
) -> None:
    """Print the catalog as JSON, as the gate would read it, for `snowgate policy`; a catalog role reads no data."""
    with failing_cleanly():
        found = anyio.run(_catalog, load(env_file), tags)
        sys.stdout.buffer.write(orjson.dumps(to_document(found), option=orjson.OPT_INDENT_2) + b"\n")


async def _catalog(settings: Settings, tags: bool) -> Catalog:
    async with pool_of(settings) as pool:
        pooled = await pool.borrow(catalog_kind(settings))
        try:
            read = functools.partial(load_catalog, pooled.session, settings.databases, is_governed=tags)
            return (await pool.in_thread(read)).catalog
        except CatalogTooLarge as error:
            raise SettingsError(f"the database {error} has too many columns to be read") from None
        finally:
            pool.give_back(pooled)


def _broker_named(name: str) -> BrokerName:
    found = next((each for each in BROKERS if each == name), None)
    if found is None:
        raise SettingsError(f"there is no broker `{name}`", f"It is one of {', '.join(BROKERS)}.")
    return found
