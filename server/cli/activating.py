"""`snowgate policy activate | second | shadow | history`: bring a policy into force everywhere, or go back."""

import secrets
from datetime import UTC
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.text import Text

from audit.journal import open_journal
from server.activation import Activation, ActivationStore, Mode, PolicyText
from server.cli.revoking import WHY_LENGTH_MAX, operator
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.database import open_engine
from server.journal_keys import sealer_of, signer_of
from server.policy_file import read_policy
from server.rule_sets import read_rule_sets
from server.visible import visible

HISTORY_MAX = 1_000

Why = Annotated[str, typer.Option(help="The reason, such as who reviewed it; it goes into the journal.")]


def activate(
    why: Why,
    policy: Annotated[Path | None, typer.Argument(help="The policy, in YAML.")] = None,
    digest: Annotated[str | None, typer.Option(help="Instead: the digest of one that was activated before.")] = None,
    env_file: EnvFile = None,
) -> None:
    """Have every replica judge by this policy, within two seconds and without a restart."""
    with failing_cleanly():
        _check_why(why)
        if (policy is None) == (digest is None):
            raise SettingsError("give a policy or --digest", "`snowgate policy history` shows the digests")
        settings = load(env_file)
        number, text = anyio.run(_activate, settings, "enforce", policy, digest, why)
        waits = ", which waits for a second person: `snowgate policy second`" if settings.activation_people > 1 else ""
        Console().print(f"activation {number}: {text.digest if text else ''}{waits}", soft_wrap=True)


def second(
    number: Annotated[int, typer.Argument(min=1, help="The number of the activation.")],
    digest: Annotated[str, typer.Option(help="The digest of the policy that you have read.")],
    why: Why,
    env_file: EnvFile = None,
) -> None:
    """Agree, as another person with a login of your own, to a policy that somebody has activated."""
    with failing_cleanly():
        _check_why(why)
        anyio.run(_second, load(env_file), number, digest, why)
        Console().print(f"activation {number} is seconded")


def shadow(
    why: Why,
    policy: Annotated[Path | None, typer.Argument(help="The policy, in YAML.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Instead: nothing decides in the shadow any more.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Have this policy decide beside the one in force: what it says is journaled, and has no effect."""
    with failing_cleanly():
        _check_why(why)
        if (policy is None) != end:
            raise SettingsError("give a policy or --end")
        number, text = anyio.run(_activate, load(env_file), "shadow", policy, None, why)
        Console().print(f"activation {number}: {text.digest if text else 'no shadow'}", soft_wrap=True)


def history(
    env_file: EnvFile = None,
    last: Annotated[int, typer.Option(min=1, max=HISTORY_MAX, help="How many.")] = 20,
    document: Annotated[str | None, typer.Option(help="Print the policy with this digest instead.")] = None,
) -> None:
    """Say what was activated, newest first."""
    with failing_cleanly():
        settings = load(env_file)
        if document is not None:
            typer.echo(anyio.run(_activated, settings, document).document, nl=False)
            return
        found = anyio.run(_history, settings, last)
        for each in found:
            at = each.made_at.astimezone(UTC).isoformat(timespec="seconds")
            what = each.text.digest if each.text is not None else "none"
            people = f"{each.made_by} and {each.seconded_by}" if each.seconded_by else each.made_by
            Console().print(
                Text(visible(f"{each.n}  {at}  {each.mode}  {what}  by {people}: {each.why}")), soft_wrap=True
            )
        if not found:
            Console().print("nothing was activated: the policy is that of SNOWGATE_POLICY")


async def _activate(
    settings: Settings, mode: Mode, policy: Path | None, digest: str | None, why: str
) -> tuple[int, PolicyText | None]:
    """Journal first, then activate: no policy comes into force without a trace."""
    text = _read(policy) if policy is not None else None
    if digest is not None:
        text = await _activated(settings, digest)
        text.read()  # as any policy, it has to be one that is understood here
    made = "activation.made" if settings.activation_people == 1 else "activation.proposed"
    stage = made if mode == "enforce" else "shadow.made" if text is not None else "shadow.ended"
    await _tell(settings, stage, why, None if text is None else text.digest)
    async with open_engine(settings.admin_url) as engine:
        return await ActivationStore(engine).add(mode, text, why=why, by=operator()), text


async def _second(settings: Settings, number: int, digest: str, why: str) -> None:
    text = await _activated(settings, digest)
    text.read()  # nobody agrees to what is not understood here
    async with open_engine(settings.admin_url) as engine:
        await ActivationStore(engine).check(number, digest)
        await _tell(settings, "activation.seconded", why, digest)
        await ActivationStore(engine).second(number, digest, why=why, by=operator())


async def _tell(settings: Settings, stage: str, why: str, digest: str | None) -> None:
    told = {} if digest is None else {"policy": digest}
    call_id = "op_" + secrets.token_urlsafe(12)
    async with (
        open_engine(settings.database_url.get_secret_value()) as engine,
        open_journal(engine, sealer_of(settings), signer_of(settings)) as journal,
    ):
        await journal.append(call_id, stage, {"operator": operator(), "reason": why, **told})


def _read(path: Path) -> PolicyText:
    policy = read_policy(path)
    return PolicyText(path.read_text(encoding="utf-8"), read_rule_sets(path.parent), policy.digest)


async def _activated(settings: Settings, digest: str) -> PolicyText:
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        found = await ActivationStore(engine).with_digest(digest)
    if found is None:
        raise SettingsError(
            f"no policy `{visible(digest)}` was activated", "`snowgate policy history` shows those that were"
        )
    return found


async def _history(settings: Settings, last: int) -> list[Activation]:
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        return await ActivationStore(engine).history(last)


def _check_why(why: str) -> None:
    if not why.strip() or len(why) > WHY_LENGTH_MAX:
        raise SettingsError(f"say --why, in at most {WHY_LENGTH_MAX} characters: it goes into the journal")
