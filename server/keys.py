"""An OIDC issuer's signing keys, by discovery: cached, refreshed on an unknown key id, trusted for a bounded time.

Sources: OpenID Connect Discovery 1.0 section 4; RFC 8414; RFC 7517.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, RSAKey, import_key

DISCOVERY_BYTES_MAX = 1_000_000
KEYS_MAX = 200
RSA_BITS_MIN = 2_048
"""RFC 7518 section 3.3."""

FETCH_S_MAX = 10.0
"""Seconds for both documents together; a client's own timeout begins anew with every byte."""

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had, and none that may still be trusted are cached."""


@dataclass
class IssuerKeys:
    """The key set of one issuer.

    Keys are fetched anew when older than `fresh_s`, or on an unknown key id but never more often than every
    `refetch_floor_s`. While the issuer is down, cached keys are trusted until they are older than `stale_s`.
    """

    issuer: str
    http: httpx2.AsyncClient
    fresh_s: float = 600.0
    stale_s: float = 86_400.0
    refetch_floor_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _keys: KeySet | None = None
    _key_ids: frozenset[str] = frozenset()
    _fetched_at: float = float("-inf")
    _tried_at: float = float("-inf")
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def key_set(self, key_id: str | None) -> KeySet:
        """The issuer's keys, fetched if `key_id` is not among those cached.

        Raises:
            KeysUnavailable: there is no key set that may be trusted.
        """
        if self._needs_fetch(key_id):
            async with self._lock:
                if self._needs_fetch(key_id):
                    await self._fetch()
        elif self._lock.locked() and (self._keys is None or (key_id is not None and key_id not in self._key_ids)):
            async with self._lock:  # what another call is fetching may be what this one lacks
                pass
        if self._keys is None or self.clock() - self._fetched_at > self.stale_s:
            raise KeysUnavailable(self.issuer)
        return self._keys

    def _needs_fetch(self, key_id: str | None) -> bool:
        now = self.clock()
        if now - self._tried_at < self.refetch_floor_s:
            return False
        return now - self._fetched_at > self.fresh_s or (key_id is not None and key_id not in self._key_ids)

    async def _fetch(self) -> None:
        self._tried_at = self.clock()
        try:
            with anyio.fail_after(FETCH_S_MAX):
                keys = await self._published()
        except Exception as failure:  # whatever the issuer answers, the keys that we have stand until they are stale
            log.warning("the issuer's keys could not be had: %s", type(failure).__name__)
            return
        self._keys = keys
        self._key_ids = frozenset(key.kid for key in keys.keys if key.kid)
        self._fetched_at = self.clock()

    async def _published(self) -> KeySet:
        metadata = await discovered(self.http, self.issuer)
        return _usable(await _object_at(self.http, of_same_scheme(self.issuer, metadata["jwks_uri"])))


async def discovered(http: httpx2.AsyncClient, issuer: str) -> dict[str, Any]:
    """What `issuer` says of itself; raises whatever goes wrong."""
    metadata = await _object_at(http, issuer.rstrip("/") + "/.well-known/openid-configuration")
    if metadata["issuer"] != issuer:
        raise ValueError("another issuer")  # OpenID Connect Discovery 4.3: it must be the one that was asked for
    return metadata


def of_same_scheme(issuer: str, url: str) -> str:
    """`url`, unless it would have an https issuer's word over another scheme (RFC 8414 section 2)."""
    where = httpx2.URL(url)
    if where.scheme != "https" and where.scheme != httpx2.URL(issuer).scheme:
        raise ValueError("an https issuer over another scheme")
    return str(where)


async def taken(response: httpx2.Response, bytes_max: int) -> bytes:
    """The body of a streamed `response`, without taking in more than is allowed."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > bytes_max:
            raise ValueError("the document is too large")
    return bytes(body)


async def _object_at(http: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    """The JSON object at `url`."""
    async with http.stream("GET", url) as response:
        response.raise_for_status()
        document = json.loads(await taken(response, DISCOVERY_BYTES_MAX))
    if not isinstance(document, dict):
        raise TypeError("the document is not an object")
    return document


def _usable(document: dict[str, Any]) -> KeySet:
    """The public keys of a key set; those of a kind that we do not know are left out (RFC 7517 section 5)."""
    keys: list[Key] = []
    for each in document["keys"][:KEYS_MAX]:
        if not isinstance(each, dict) or each.get("kty") == "oct":  # a shared secret is no public key
            continue
        try:
            key = import_key(each)
            if not isinstance(key, RSAKey) or key.public_key.key_size >= RSA_BITS_MIN:
                keys.append(key)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            continue
    if not keys:
        raise ValueError("no usable key")
    return KeySet(keys)
