"""`snowgate revoke`: the kill switch, and how it is lifted."""

import getpass
import secrets
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.text import Text

from audit.journal import Journal, open_journal
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.database import open_engine
from server.journal_keys import sealer_of, signer_of
from server.revocations import Revocation, RevocationKind, RevocationStore
from server.visible import visible

WHY_LENGTH_MAX = 1_000


def revoke(
    env_file: EnvFile = None,
    principal: Annotated[str | None, typer.Option(help="Everything of this subject, as the journal names it.")] = None,
    session: Annotated[str | None, typer.Option(help="One sign-in, as the journal's `session` names it.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every caller.")] = False,
    issuer: Annotated[str | None, typer.Option(help="Only callers of this issuer.")] = None,
    lift: Annotated[str | None, typer.Option(help="End the revocation of this id.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show what is revoked.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason; it goes into the journal.")] = None,
) -> None:
    """Turn callers away on every replica at once, and stop what they are running; or lift that."""
    with failing_cleanly():
        if [principal is not None, session is not None, everybody, lift is not None, listing].count(True) != 1:
            raise SettingsError("give exactly one of --principal, --session, --all, --lift and --list")
        settings = load(env_file)
        if listing:
            _show(anyio.run(_in_force, settings))
            return
        if not why or not why.strip() or len(why) > WHY_LENGTH_MAX:
            raise SettingsError(f"say --why, in at most {WHY_LENGTH_MAX} characters: it goes into the journal")
        if lift is not None:
            anyio.run(_lift, settings, lift, why)
            Console().print(f"lifted {lift}")
            return
        kind: RevocationKind = "all" if everybody else "principal" if principal is not None else "session"
        name = principal if principal is not None else session
        if name is not None and not name.strip():
            raise SettingsError("there is nobody without a name")
        made = anyio.run(_make, settings, kind, name, issuer, why)
        Console().print(f"revoked: {made}", soft_wrap=True)


async def _make(settings: Settings, kind: RevocationKind, name: str | None, issuer: str | None, why: str) -> str:
    """Revoke first, then journal: of the two, stopping somebody is what cannot wait."""
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        made = await RevocationStore(engine).make(kind, name, issuer, why=why, by=operator())
        async with open_journal(engine, sealer_of(settings), signer_of(settings)) as journal:
            whom = {"revoked_kind": kind, "revoked_name": name, "issuer": issuer}
            await _journal(journal, "revocation.made", made, why, whom)
    return made


async def _lift(settings: Settings, revocation_id: str, why: str) -> None:
    """Journal first, then lift: nobody is let in again without a trace."""
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        store = RevocationStore(engine)
        if revocation_id not in {each.id for each in await store.in_force()}:
            raise SettingsError(
                f"no revocation `{visible(revocation_id)}` is in force", "`--list` shows those that are."
            )
        async with open_journal(engine, sealer_of(settings), signer_of(settings)) as journal:
            await _journal(journal, "revocation.lifted", revocation_id, why, {})
            await store.lift(revocation_id, why=why, by=operator())


async def _journal(journal: Journal, stage: str, revocation_id: str, why: str, whom: dict[str, str | None]) -> None:
    known = {field: value for field, value in whom.items() if value is not None}
    facts = {"revocation": revocation_id, "operator": operator(), "reason": why, **known}
    await journal.append("op_" + secrets.token_urlsafe(12), stage, facts)


async def _in_force(settings: Settings) -> list[Revocation]:
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        return await RevocationStore(engine).in_force()


def _show(revocations: list[Revocation]) -> None:
    console = Console()
    for each in revocations:
        whom = "everybody" if each.kind == "all" else f"{each.kind} {each.name}"
        of = f" of {each.issuer}" if each.issuer else ""
        console.print(Text(visible(f"{each.id}  {whom}{of}  by {each.made_by}: {each.why}")), soft_wrap=True)
    if not revocations:
        console.print("nobody is revoked")


def operator() -> str:
    """The name of the account that runs this command; as true as the machine it runs on."""
    return getpass.getuser()
