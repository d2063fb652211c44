"""What the driver calls each kind of credential."""

from typing import Any, assert_never

from server.credentials import AccessToken, Credential, KeyPair, ProgrammaticToken, WorkloadToken


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
            return {"authenticator": "SNOWFLAKE_JWT", "user": user, "private_key": key}
        case _:
            assert_never(credential)
