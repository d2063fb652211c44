"""Keys of one run and the token of its one principal; they are made anew each time and die with the directory."""

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey

TOKEN_TTL_S = 3_600
KEY_ID = "bench"


@dataclass(frozen=True, slots=True)
class Keys:
    """The issuer's key pair and the files that others read."""

    issuer: RSAKey
    public: Path
    lease: Path
    journal: Path
    signing: Path
    state: Path

    @staticmethod
    def made_in(directory: Path) -> "Keys":
        """New keys, written to `directory`."""
        issuer = RSAKey.generate_key(2048, parameters={"kid": KEY_ID, "use": "sig", "alg": "RS256"})
        public, lease = directory / "jwks.json", directory / "lease.pem"
        public.write_text(json.dumps({"keys": [issuer.as_dict(private=False)]}))
        _write(lease, RSAKey.generate_key(2048).as_pem(private=True))
        journal, state = directory / "journal.key", directory / "state.key"
        for path in (journal, state):
            _write(path, secrets.token_urlsafe(48).encode())
        signing = directory / "signing.pem"
        _write(signing, OKPKey.generate_key("Ed25519").as_pem(private=True))
        return Keys(issuer, public, lease, journal, signing, state)

    def token(self, issuer: str, resource: str, subject: str = "ada") -> str:
        """An access token (RFC 9068) for one analyst, signed as most providers sign: RS256."""
        now = int(time.time())
        claims = {
            "iss": issuer, "aud": resource, "sub": subject, "client_id": "bench", "act": {"sub": "bench"},
            "scope": "snowgate:read", "groups": ["analysts"], "iat": now, "exp": now + TOKEN_TTL_S,
            "jti": secrets.token_urlsafe(12),
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": KEY_ID}, claims, self.issuer)


def _write(path: Path, secret: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(secret)
