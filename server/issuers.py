"""What is trusted of each issuer: whose tokens count, what they must name, and how their claims are read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from server.config import Settings, SettingsError, Url, check_issuer_url

Algorithm: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"
]
"""Asymmetric signatures only: with an HMAC the verifier's key could sign, and `none` signs nothing (RFC 8725)."""

ALGORITHMS: tuple[Algorithm, ...] = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
)  # fmt: skip

ISSUERS_MAX = 32


def _steps(value: object) -> object:
    """`realm_access.roles` as its steps; a list is taken as it is, for names that have dots in them."""
    return tuple(value.split(".")) if isinstance(value, str) else value


ClaimPath: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=255)], ...], BeforeValidator(_steps), Field(min_length=1)
]
"""Where a claim is: the names to follow from the top of the token."""


class Model(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Introspection(Model):
    """How the gate asks about this issuer's tokens (RFC 7662): as which client, and for how long an answer counts.

    A token that the issuer has revoked counts for at most `cache_s` longer.
    """

    client_id: Annotated[str, Field(min_length=1)]
    client_secret_file: Path
    authentication: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    cache_s: Annotated[float, Field(ge=0, le=300)] = 10.0


class IssuerTrust(Model):
    """One issuer. `prefix` is put before its subjects, actors, groups and sessions, so that they are nobody else's."""

    issuer: Url
    audience: Annotated[str, Field(min_length=1)] | None = None
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}[:/|]$")] | Literal[""] = ""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ALGORITHMS
    accept_plain_jwt: bool = False
    subject: ClaimPath = ("sub",)
    clients: tuple[ClaimPath, ...] = (("client_id",), ("azp",), ("appid",), ("cid",))
    groups: tuple[ClaimPath, ...] = (("groups",),)
    claims: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], ClaimPath] = {}
    scopes: tuple[ClaimPath, ...] = (("scope",), ("scp",))
    scope_prefix: str = ""
    dpop: Literal["accepted", "required"] = "accepted"
    introspection: Introspection | None = None

    @model_validator(mode="after")
    def _safe(self) -> "IssuerTrust":
        check_issuer_url(self.issuer)
        return self


class IssuersDocument(Model):
    """The file behind `SNOWGATE_ISSUERS`. Callers without a token are sent to the first issuer."""

    issuers: Annotated[tuple[IssuerTrust, ...], Field(min_length=1, max_length=ISSUERS_MAX)]

    @model_validator(mode="after")
    def _told_apart(self) -> "IssuersDocument":
        if len({each.issuer for each in self.issuers}) < len(self.issuers):
            raise ValueError("an issuer is named twice")
        prefixes = [each.prefix for each in self.issuers]
        if any(a.startswith(b) for n, a in enumerate(prefixes) for b in prefixes[:n] + prefixes[n + 1 :] if b):
            raise ValueError("no `prefix` may begin with another: whose subject would `partner:ada` be?")
        if prefixes.count("") > 1:
            raise ValueError("all issuers but one need a `prefix`: `ada` of one is not `ada` of another")
        if sum(each.introspection is not None for each in self.issuers) > 1:
            raise ValueError("only one issuer can have `introspection`: an opaque token does not say whom to ask")
        return self


def trusts_of(settings: Settings) -> tuple[IssuerTrust, ...]:
    """Every issuer that `settings` trust; none if one local principal is taken for everybody.

    Raises:
        SettingsError: the file of issuers cannot be used; every problem is named at once.
    """
    if settings.issuers is not None:
        return read_issuers(settings.issuers)
    if settings.issuer is None:
        return ()
    return (
        IssuerTrust(
            issuer=settings.issuer,
            accept_plain_jwt=settings.accept_plain_jwt,
            groups=(tuple(settings.groups_claim.split(".")),),
        ),
    )


def read_issuers(path: Path) -> tuple[IssuerTrust, ...]:
    """The issuers in the YAML file at `path`.

    Raises:
        SettingsError: it cannot be read as such a file.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return IssuersDocument.model_validate(document).issuers
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'the file'}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"{path}: {told}", "See docs/IDENTITY.md.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"no issuers can be read from {path}: {type(error).__name__}") from None


def scopes_of(trust: IssuerTrust, scopes: Iterable[str]) -> list[str]:
    """How `scopes` of ours are called at this issuer."""
    return [trust.scope_prefix + scope for scope in scopes]
