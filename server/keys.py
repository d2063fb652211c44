"""An OIDC issuer's signing keys, by discovery: cached, refreshed on an unknown key id, trusted for a bounded time.

Sources: OpenID Connect Discovery 1.0 section 4; RFC 8414; RFC 7517.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

DISCOVERY_BYTES_MAX = 1_000_000


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
            metadata = await self._get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if not isinstance(metadata, dict) or metadata.get("issuer") != self.issuer:
                return  # OpenID Connect Discovery 4.3: the issuer must be the one that was asked for
            document = await self._get(str(metadata.get("jwks_uri")))
            keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # its own validation decides
        except (httpx2.HTTPError, httpx2.InvalidURL, JoseError, ValueError, KeyError, TypeError):
            return
        self._keys = keys
        self._key_ids = frozenset(key.kid for key in keys.keys if key.kid)
        self._fetched_at = self.clock()

    async def _get(self, url: str) -> object:
        response = await self.http.get(url)
        response.raise_for_status()
        if len(response.content) > DISCOVERY_BYTES_MAX:
            raise ValueError("the document is too large")
        return response.json()
