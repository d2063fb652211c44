"""The broker that the settings name, and who logs in the gate itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from server.brokers.administrator import Administrator, KeyPairs
from server.brokers.ephemeral import EphemeralUsers
from server.brokers.minted import ExternalOAuth, WorkloadIdentity
from server.brokers.programmatic import ProgrammaticTokens
from server.brokers.signing import KeySigner, ProgramSigner, Signer, private_key_of, read_signing_key, signing_key
from server.config import Settings, SettingsError
from server.credentials import Broker
from server.warehouse import Account


@dataclass(frozen=True, slots=True)
class Brokers:
    """`people` makes the sessions of principals, `own` those of the gate itself; `close` ends what they hold open."""

    people: Broker
    own: Broker
    close: Callable[[], None]


def brokers_of(settings: Settings, account: Account) -> Brokers:
    """The brokers that `settings` describe; each key is read and parsed once, here.

    Raises:
        SettingsError: a key cannot be read.
    """
    match settings.snowflake_broker:
        case "external_oauth" | "workload_identity":
            way = ExternalOAuth if settings.snowflake_broker == "external_oauth" else WorkloadIdentity
            issuer, audience = settings.snowflake_oauth_issuer or "", settings.snowflake_oauth_audience or ""
            minted = way(issuer, audience, signers_of(settings), settings.credential_ttl_s)
            return Brokers(minted, minted, lambda: None)
        case "programmatic_access_token":
            own, administrator = _administrator(settings, account)
            return Brokers(ProgrammaticTokens(administrator), own, administrator.close)
        case "ephemeral_user":
            own, administrator = _administrator(settings, account)
            return Brokers(EphemeralUsers(administrator), own, administrator.close)
        case _:
            assert_never(settings.snowflake_broker)


def signers_of(settings: Settings) -> tuple[Signer, ...]:
    """Who signs what the gate mints: the one in force, and the next one while a key is being rotated."""
    if settings.snowflake_oauth_key is not None:
        pem = settings.snowflake_oauth_key.get_secret_value().encode()
        first: Signer = KeySigner(signing_key(pem, "SNOWGATE_SNOWFLAKE_OAUTH_KEY"))
    elif settings.snowflake_oauth_key_program is not None:
        first = ProgramSigner(settings.snowflake_oauth_key_program)
    elif settings.snowflake_oauth_key_file is not None:
        first = KeySigner(read_signing_key(settings.snowflake_oauth_key_file))
    else:
        raise SettingsError("there is no key to sign tokens for Snowflake with")
    if settings.snowflake_oauth_next_key_file is None:
        return (first,)
    return first, KeySigner(read_signing_key(settings.snowflake_oauth_next_key_file))


def _administrator(settings: Settings, account: Account) -> tuple[KeyPairs, Administrator]:
    if settings.snowflake_broker_key_file is None:
        raise SettingsError("there is no key for the broker to log in with")
    key = private_key_of(read_signing_key(settings.snowflake_broker_key_file))
    broker = KeyPairs(settings.snowflake_broker_user or "", key)
    administrator = Administrator(account, broker, settings.snowflake_broker_role or "", settings.warehouse)
    return KeyPairs(settings.snowflake_catalog_user, key), administrator
