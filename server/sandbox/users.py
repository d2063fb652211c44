"""What statements about users do in the look-alike's account, for roles that may do it."""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, assert_never

from server.sandbox.account import Account, ProgrammaticToken, Role, User
from server.sandbox.replies import Column, SnowflakeError, no_privilege, status, table
from server.sandbox.user_statements import (
    AbortQueries,
    AddToken,
    CreateUser,
    DropUser,
    GiveRole,
    RemoveToken,
    SetDisabled,
    ShowTokens,
    UserStatement,
)

TOKENS_MAX = 15
"""Tokens of one user that have not expired, disabled ones included."""

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Users:
    """The account's users. `end_sessions` ends what a user runs, and with true also the user's sessions."""

    account: Account
    end_sessions: Callable[[str, bool], Awaitable[None]]
    clock: Callable[[], float] = time.time

    async def run(self, asked: UserStatement, role: Role, query_id: str) -> dict[str, Any]:
        """Do what is asked and return the reply.

        Raises SnowflakeError: 003001 (no privilege), 002003 (no such user, role or token), 002002 (there is one
        already), 099010 (too many tokens).
        """
        if not role.manages_users:
            raise no_privilege(f"user with role '{role.name}'")
        match asked:
            case AddToken():
                return self._add_token(asked, query_id)
            case ShowTokens(name):
                columns = [Column("name"), Column("user_name"), Column("role_restriction"), Column("expires_at")]
                rows = [[t.name, name, t.role, t.expires_at] for t in self._user(name).tokens]
                return table(query_id, columns, rows)
            case GiveRole() | CreateUser():
                self._change(asked)
            case RemoveToken() | DropUser() | SetDisabled() | AbortQueries():
                if asked.user in self.account.users or not asked.if_exists:
                    await self._take(asked, self._user(asked.user))
            case _:
                assert_never(asked)
        return status(query_id)

    async def _take(self, asked: RemoveToken | DropUser | SetDisabled | AbortQueries, user: User) -> None:
        match asked:
            case RemoveToken(_, token_name):
                left = tuple(token for token in user.tokens if token.name != token_name)
                if len(left) == len(user.tokens):
                    raise _missing(f"Programmatic access token '{token_name}'")
                self.account.users[user.name] = replace(user, tokens=left)
            case DropUser():
                del self.account.users[user.name]
                await self.end_sessions(user.name, True)
            case SetDisabled(_, disabled):
                self.account.users[user.name] = replace(user, disabled=disabled)
                if disabled:
                    await self.end_sessions(user.name, True)
            case AbortQueries():
                await self.end_sessions(user.name, False)
            case _:
                assert_never(asked)

    def _add_token(self, asked: AddToken, query_id: str) -> dict[str, Any]:
        user, now = self._user(asked.user), self.clock()
        living = tuple(token for token in user.tokens if token.expires_at > now)
        if any(token.name == asked.name for token in living):
            raise _already(asked.name)
        if len(living) >= TOKENS_MAX:
            raise SnowflakeError(
                "099010", "22023", f"Maximum number of programmatic access tokens ({TOKENS_MAX}) reached for the user."
            )
        if asked.role not in user.roles:
            raise _missing(f"Role '{asked.role}'")
        if not 1 <= asked.days <= 365:
            raise SnowflakeError("001008", "22023", f"invalid value [{asked.days}] for parameter 'DAYS_TO_EXPIRY'")
        secret = secrets.token_urlsafe(48)
        digest = hashlib.sha256(secret.encode()).digest()
        made = ProgrammaticToken(asked.name, digest, now + asked.days * DAY_S, asked.role)
        self.account.users[user.name] = replace(user, tokens=(*living, made))
        return table(query_id, [Column("token_name"), Column("token_secret")], [[asked.name, secret]])

    def _change(self, asked: GiveRole | CreateUser) -> None:
        match asked:
            case GiveRole(role, name, is_given):
                if role not in {each.name for each in self.account.roles}:
                    raise _missing(f"Role '{role}'")
                user = self._user(name)
                roles = user.roles | {role} if is_given else user.roles - {role}
                self.account.users[name] = replace(user, roles=roles)
            case CreateUser(name, public_key, default_role):
                if name in self.account.users:
                    raise _already(name)
                keys = (f"-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----\n",) if public_key else ()
                self.account.users[name] = User(name, name, frozenset(), default_role, public_keys=keys)
            case _:
                assert_never(asked)

    def _user(self, name: str) -> User:
        try:
            return self.account.users[name]
        except KeyError:
            raise _missing(f"User '{name}'") from None


def _missing(what: str) -> SnowflakeError:
    return SnowflakeError("002003", "02000", f"{what} does not exist or not authorized.")


def _already(name: str) -> SnowflakeError:
    return SnowflakeError("002002", "42710", f"SQL compilation error:\nObject '{name}' already exists.")
