"""Who signs the tokens that the gate makes for Snowflake: a key of its own, parsed once, or a program that has one.

With a program, such as one that asks a key management service, the private key is never on this machine: it gets the
bytes to sign on its standard input and answers with the signature's base64 (RS256: RSASSA-PKCS1-v1_5 with SHA-256,
RFC 7518 section 3.3).
"""

import base64
import binascii
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from server.config import SettingsError
from server.refusals import SnowflakeUnavailable

PROGRAM_TIMEOUT_S = 10.0
SIGNATURE_BYTES_MIN = 256
"""Of an RSA key of 2048 bits."""


class Signer(Protocol):
    """Makes signed JWTs (RFC 7519) with RS256."""

    def sign(self, claims: dict[str, Any]) -> str:
        """The compact JWT of `claims`. Raises SnowflakeUnavailable if it cannot be signed."""


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with a private key in memory."""

    key: RSAKey = field(repr=False)

    def sign(self, claims: dict[str, Any]) -> str:
        """The compact JWT of `claims`."""
        return jwt.encode({"alg": "RS256"}, claims, self.key)


@dataclass(frozen=True, slots=True)
class ProgramSigner:
    """Lets a program sign; it is run by its path, with no arguments and no shell."""

    program: Path

    def sign(self, claims: dict[str, Any]) -> str:
        """The compact JWT of `claims`.

        Raises:
            SnowflakeUnavailable: the program failed, took too long or gave no signature. What it printed is not told.
        """
        signed = b".".join(_encode(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        try:
            ran = subprocess.run(
                [self.program], input=signed, capture_output=True, timeout=PROGRAM_TIMEOUT_S, check=True
            )
            signature = base64.b64decode(ran.stdout.strip(), validate=True)
        except (OSError, subprocess.SubprocessError, binascii.Error):
            signature = b""
        if len(signature) < SIGNATURE_BYTES_MIN:
            raise SnowflakeUnavailable("the signing program gave no signature")
        return b".".join((signed, _encode(signature))).decode("ascii")


def read_signing_key(path: Path) -> RSAKey:
    """The RSA key in the PEM file at `path`, parsed once.

    Raises:
        SettingsError: there is no readable RSA private key in it.
    """
    try:
        pem = path.read_bytes()
    except OSError:
        raise SettingsError(f"no RSA private key can be read from {path}") from None
    return signing_key(pem, str(path))


def signing_key(pem: bytes, where: str) -> RSAKey:
    """The RSA private key in `pem`; `where` says in errors where it came from.

    Raises:
        SettingsError: there is none in it. No part of the text is told.
    """
    try:
        key = RSAKey.import_key(pem)
    except (JoseError, ValueError):
        raise SettingsError(f"no RSA private key can be read from {where}") from None
    if not key.is_private:
        raise SettingsError(f"the key in {where} is public: a private key is needed to sign with")
    return key


def private_key_of(key: RSAKey) -> RSAPrivateKey:
    """The key as the driver takes it."""
    private = key.private_key
    if private is None:
        raise SettingsError("a private key is needed to log in with")
    return private


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def public_key_of(path: Path) -> str:
    """The public half of the key in a PEM file, as Snowflake takes it: base64 of its DER.

    Raises:
        SettingsError: there is no key in it.
    """
    try:
        pem = path.read_bytes()
        if b"PRIVATE" in pem:
            public = serialization.load_pem_private_key(pem, None).public_key()
        else:
            public = serialization.load_pem_public_key(pem)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"no key can be read from {path}") from None
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()
