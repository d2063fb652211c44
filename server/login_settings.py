"""What the driver calls each kind of credential."""

from typing import Any, assert_never

from server.credentials import AccessToken, Credential, KeyPair, ProgrammaticToken, WorkloadToken

KEY_PAIR_TOKEN_TTL_S = 60
"""Seconds that the token lives which the driver signs with a key; left to itself it takes 120."""


def login_settings(credential: Credential) -> dict[str, Any]:
    """The driver's names for a credential; the one place where its secret is taken out."""
    match credential:
        case AccessToken(token):
            return {"authenticator": "oauth", "token": token.get_secret_value()}
        case WorkloadToken(token):
            how = {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "OIDC"}
            return {**how, "token": token.get_secret_value()}
        case ProgrammaticToken(token):
            return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": token.get_secret_value()}
        case KeyPair(user, key):
            signing = {"private_key": key, "jwt_timeout": KEY_PAIR_TOKEN_TTL_S}
            return {"authenticator": "SNOWFLAKE_JWT", "user": user, **signing}
        case _:
            assert_never(credential)
