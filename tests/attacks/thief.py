"""What somebody can try who has a credential or a session token of the gate's, in the protocol that drivers speak.

Each attempt is told in a word: Snowflake's code for turning it away, `runs`, or as whom it runs.
"""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from server.brokers.administrator import Administrator
from server.brokers.ephemeral import PREFIX
from server.credentials import AccessToken, Broker, Credential, Handle, KeyPair, ProgrammaticToken, WorkloadToken
from server.sandbox import account
from server.sandbox.other_logins import fingerprint
from server.sandbox.run import Sandbox

READ, WRITE = "ANALYST_RO", "ANALYST_RW"
WHO = "SELECT CURRENT_USER() || ' ' || CURRENT_ROLE() AS who"


@dataclass(frozen=True)
class Tokens:
    """An open session in the thief's hands: what travels with each statement, and what renews that."""

    session: str
    master: str
    session_id: int


@dataclass
class Thief:
    """Has what a broker makes for one session of Ada's, and the network. `administrator` is the gate's own login."""

    sandbox: Sandbox
    broker: Broker
    administrator: Administrator

    @contextmanager
    def credential(self) -> Iterator[tuple[Credential, Handle | None]]:
        """A credential that nobody has logged in with yet, and what would have to be taken away."""
        handle = self.broker.plan("ada")
        try:
            yield self.broker.issue("ada", READ, handle), handle
        finally:
            if handle is not None:
                self.broker.withdraw(handle)

    @contextmanager
    def opened(self) -> Iterator[tuple[Tokens, Handle | None]]:
        """An open session as the gate leaves it after a login, and what its credential left to take away."""
        with self.credential() as (credential, handle):
            opened = self.login(credential)["data"]
            tokens = Tokens(opened["token"], opened["masterToken"], opened["sessionId"])
            try:
                yield tokens, self.broker.logged_in(handle)
            finally:
                self.end(tokens)

    @contextmanager
    def session(self) -> Iterator[Tokens]:
        """The same, where only the session matters."""
        with self.opened() as (tokens, _):
            yield tokens

    def login(self, credential: Credential, role: str = READ, **changes: Any) -> dict[str, Any]:
        """Snowflake's answer to a login; `changes` replace what the driver would send."""
        where = f"/session/v1/login-request?roleName={role}&warehouse=&databaseName=&schemaName="
        return self._post(where, {"data": {**_as_sent(credential), **changes}})

    def opens(self, credential: Credential, role: str = READ, **changes: Any) -> str:
        """Whom a login makes its sender, or the code that turned it away."""
        reply = self.login(credential, role, **changes)
        if not reply["success"]:
            return str(reply["code"])
        tokens = Tokens(reply["data"]["token"], reply["data"]["masterToken"], reply["data"]["sessionId"])
        told = self.who(tokens)
        self.end(tokens)
        return told

    def who(self, tokens: Tokens) -> str:
        """As whom the session's token runs statements, or the code that turned it away."""
        told = self.query(tokens.session, WHO)
        user, _, role = told.partition(" ")
        return f"{'a user of its own' if user.startswith(PREFIX) else user.title()} in {role}" if role else told

    def wait_for(self, sql: str, session_id: int) -> None:
        """Until a statement has arrived in a session."""
        until = time.monotonic() + 20
        while not any(sql in each.sql and each.session_id == session_id for each in self.sandbox.lookalike.queries()):
            assert time.monotonic() < until
            time.sleep(0.02)

    def query(self, token: str, sql: str) -> str:
        """What a statement with this session token gives: its first cell if it is one of text, or why not."""
        reply = self._post("/queries/v1/query-request?requestId=", {"sqlText": sql, "sequenceId": 1}, token)
        return _cell(reply["data"]) if reply["success"] else str(reply["code"])

    def result(self, token: str, query_id: str) -> str:
        """What asking for a statement's result by its id gives."""
        headers = {"authorization": f'Snowflake Token="{token}"'}
        reply = httpx2.get(f"{self.sandbox.lookalike.url}/queries/{query_id}/result", headers=headers).json()
        return _cell(reply["data"]) if reply["success"] else str(reply["code"])

    def renew(self, tokens: Tokens, master: str | None = None) -> str:
        """What renewing the session's token gives."""
        asked = {"oldSessionToken": tokens.session, "requestType": "RENEW"}
        reply = self._post("/session/token-request", asked, master or tokens.master)
        return str(reply["data"]["sessionToken"]) if reply["success"] else str(reply["code"])

    def end(self, tokens: Tokens) -> None:
        """End the session as the gate does when it closes one; again is harmless."""
        self._post("/session?delete=true", {}, tokens.session)

    def _post(self, path: str, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        headers = {} if token is None else {"authorization": f'Snowflake Token="{token}"'}
        reply: dict[str, Any] = httpx2.post(self.sandbox.lookalike.url + path, json=body, headers=headers).json()
        return reply


def _cell(data: dict[str, Any]) -> str:
    """An answer's first cell, however it travels; `runs` if it has none."""
    if data.get("rowset"):
        return str(data["rowset"][0][0])
    if data.get("rowsetBase64"):
        table = pa.ipc.open_stream(base64.b64decode(data["rowsetBase64"])).read_all()
        return str(table.column(0)[0].as_py()) if table.num_rows else "runs"
    return "runs"


def _as_sent(credential: Credential) -> dict[str, Any]:
    match credential:
        case AccessToken(token):
            return {"AUTHENTICATOR": "OAUTH", "TOKEN": token.get_secret_value()}
        case WorkloadToken(token):
            return {"AUTHENTICATOR": "WORKLOAD_IDENTITY", "PROVIDER": "OIDC", "TOKEN": token.get_secret_value()}
        case ProgrammaticToken(token):
            return {"AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": token.get_secret_value()}
        case KeyPair(user, key):
            return {"AUTHENTICATOR": "SNOWFLAKE_JWT", "LOGIN_NAME": user, "TOKEN": signed_by(user, key)}


def signed_by(user: str, key: RSAPrivateKey, *, account_name: str = account.ACCOUNT_NAME, age_s: int = 0) -> str:
    """The JWT by which a user logs in with their key, as it was `age_s` ago."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    named, now = f"{account_name}.{user}", int(time.time()) - age_s
    claims = {"iss": f"{named}.{fingerprint(pem)}", "sub": named, "iat": now, "exp": now + 60}
    return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(key))
