"""Tokens that must prove nobody: each is one thing wrong with a good one, and the fault that must be found in it.

A case gets an issuer that signs with one algorithm under the key id `k`, so that most are tried with every algorithm.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from joserfc import jws
from joserfc.jwk import Key, OctKey

from server.faults import Fault
from server.identity import TOKEN_LENGTH_MAX
from server.issuers import ALGORITHMS
from server.line import Bearer
from server.tokens import HEADER_CHARS_MAX
from tests.identity.issuer import OMITTED, RESOURCE, Issuer, b64, key_for


@dataclass(frozen=True)
class Forge:
    """An issuer that signs with one algorithm, and a stranger with keys of the same kind and names."""

    issuer: Issuer
    stranger: Issuer
    alg: str
    others: dict[str, Key]
    """The issuer's keys for the other algorithms, by algorithm."""

    def sign(self, header: dict[str, Any] | None = None, **claims: Any) -> Bearer:
        return self.issuer.sign("k", self.alg, header, **claims)

    def raw(self, payload: bytes, header: bytes | None = None) -> Bearer:
        """These exact bytes with a good signature over them."""
        head = header or json.dumps({"alg": self.alg, "kid": "k", "typ": "at+jwt"}).encode()
        text = f"{b64(head)}.{b64(payload)}"
        signature = jws.JWSRegistry.algorithms[self.alg].sign(text.encode(), self.issuer.keys["k"])
        return Bearer(f"{text}.{b64(signature)}")

    def claims(self, **claims: Any) -> str:
        return json.dumps(self.issuer.claims(**claims))


Case: TypeAlias = tuple[str, Fault, Callable[[Forge], Bearer | None]]

NOW = int(time.time())


def _cut(token: Bearer, *, signature: str) -> Bearer:
    return Bearer(token.token.rpartition(".")[0] + "." + signature)


def _with(token: Bearer, part: int, value: str) -> Bearer:
    parts = token.token.split(".")
    parts[part] = value
    return Bearer(".".join(parts))


def _none(forge: Forge, alg: str) -> Bearer:
    head = b64(json.dumps({"alg": alg, "kid": "k", "typ": "at+jwt"}).encode())
    return Bearer(f"{head}.{b64(forge.claims().encode())}.AA")


def _hmac(forge: Forge, secret: bytes) -> Bearer:
    head = b64(json.dumps({"alg": "HS256", "kid": "k", "typ": "at+jwt"}).encode())
    text = f"{head}.{b64(forge.claims().encode())}"
    return Bearer(f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}")


def _flipped(token: Bearer) -> Bearer:
    signature = token.token.rpartition(".")[2]
    return _cut(token, signature=("A" if signature[0] != "A" else "B") + signature[1:])


def _other_alg(forge: Forge) -> Bearer:
    """Signed with the key of another algorithm under this one's name."""
    other = next(alg for alg in ALGORITHMS if alg[:2] != forge.alg[:2])
    return forge.issuer.sign_bytes(
        forge.claims().encode(), forge.others[other], {"alg": other, "kid": "k", "typ": "at+jwt"}
    )


def _deep(forge: Forge) -> Bearer:
    return forge.raw(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}")


def _twice(forge: Forge, name: str, value: object) -> Bearer:
    return forge.raw((forge.claims()[:-1] + f', "{name}": {json.dumps(value)}}}').encode())


def _two_algorithms(forge: Forge) -> Bearer:
    head = f'{{"alg":"none","alg":"{forge.alg}","kid":"k","typ":"at+jwt"}}'
    return forge.raw(forge.claims().encode(), head.encode())


def _public(key: Key) -> bytes:
    """What a careless verifier would take for a shared secret."""
    assert not isinstance(key, OctKey)
    return key.as_pem(private=False)


def _jwk(forge: Forge) -> dict[str, Any]:
    return dict(forge.stranger.keys["k"].as_dict(private=False))


PER_ALGORITHM: tuple[Case, ...] = (
    # signatures
    ("a stranger's key of the same name", Fault.SIGNATURE, lambda f: f.stranger.sign("k", f.alg)),
    ("another key's signature", Fault.SIGNATURE, lambda f: _with(f.sign(), 2, f.stranger.sign("k", f.alg).token[-86:])),
    ("one bit of the signature", Fault.SIGNATURE, lambda f: _flipped(f.sign())),
    ("a signature of zeros", Fault.SIGNATURE, lambda f: _cut(f.sign(), signature="A" * 86)),
    ("a signature of one byte", Fault.SIGNATURE, lambda f: _cut(f.sign(), signature="AA")),
    ("claims of another token", Fault.SIGNATURE, lambda f: _with(f.sign(), 1, b64(f.claims(sub="eve").encode()))),
    ("a key for another algorithm", Fault.SIGNATURE, _other_alg),
    ("an unknown key id", Fault.SIGNATURE, lambda f: f.sign({"kid": "nobody"})),
    ("no key id where there are many keys", Fault.SIGNATURE, lambda f: f.sign({"kid": OMITTED})),
    ("a key id that is a path", Fault.SIGNATURE, lambda f: f.sign({"kid": "../../../../dev/null"})),
    ("a key id that is a query", Fault.SIGNATURE, lambda f: f.sign({"kid": "k' UNION SELECT 'AA"})),
    ("a key id that is a URL", Fault.SIGNATURE, lambda f: f.sign({"kid": "https://evil.test/jwks#k"})),
    ("a key id with a zero byte", Fault.SIGNATURE, lambda f: f.sign({"kid": "k\x00"})),
    ("a key id that is a list", Fault.MALFORMED, lambda f: f.sign({"kid": ["k"]})),
    # headers
    ("a critical header", Fault.HEADER, lambda f: f.sign({"crit": ["x"], "x": 1})),
    ("an empty list of critical headers", Fault.HEADER, lambda f: f.sign({"crit": []})),
    ("an unencoded payload", Fault.HEADER, lambda f: f.sign({"b64": False})),
    ("its own key", Fault.HEADER, lambda f: f.stranger.sign("k", f.alg, {"jwk": _jwk(f)})),
    ("the address of its own keys", Fault.HEADER, lambda f: f.stranger.sign("k", f.alg, {"jku": "https://evil.test"})),
    ("the address of its own certificate", Fault.HEADER, lambda f: f.stranger.sign("k", f.alg, {"x5u": "https://evil.test/c"})),
    ("its own certificate", Fault.HEADER, lambda f: f.stranger.sign("k", f.alg, {"x5c": ["MIIB"]})),
    ("the type of an ID token", Fault.TYPE, lambda f: f.sign({"typ": "id_token+jwt"})),
    ("the type of a DPoP proof", Fault.TYPE, lambda f: f.sign({"typ": "dpop+jwt"})),
    ("the type of a logout token", Fault.TYPE, lambda f: f.sign({"typ": "logout+jwt"})),
    ("the type of a client's assertion", Fault.TYPE, lambda f: f.sign({"typ": "client-authentication+jwt"})),
    ("the type of an introspection answer", Fault.TYPE, lambda f: f.sign({"typ": "token-introspection+jwt"})),
    ("a plain JWT", Fault.TYPE, lambda f: f.sign({"typ": "JWT"})),
    ("no type", Fault.TYPE, lambda f: f.sign({"typ": OMITTED})),
    ("a type that is no text", Fault.TYPE, lambda f: f.sign({"typ": ["at+jwt"]})),
    ("an ID token's hash of an access token", Fault.TYPE, lambda f: f.sign(at_hash="x")),
    ("an ID token's hash of a code", Fault.TYPE, lambda f: f.sign(c_hash="x")),
    ("a logout token's event", Fault.TYPE, lambda f: f.sign(events={})),
    ("a Keycloak ID token", Fault.TYPE, lambda f: f.sign(typ="ID")),
    ("a Keycloak refresh token", Fault.TYPE, lambda f: f.sign(typ="Refresh")),
    ("a Cognito ID token", Fault.TYPE, lambda f: f.sign(token_use="id")),
    # where it is from and what it is for
    ("another issuer", Fault.ISSUER, lambda f: f.sign(iss="https://evil.test")),
    ("our issuer with a slash", Fault.ISSUER, lambda f: f.sign(iss=f.issuer.name + "/")),
    ("our issuer in capitals", Fault.ISSUER, lambda f: f.sign(iss=f.issuer.name.upper())),
    ("an issuer that only begins as ours", Fault.ISSUER, lambda f: f.sign(iss=f.issuer.name + ".evil.test")),
    ("a list of issuers", Fault.ISSUER, lambda f: f.sign(iss=[f.issuer.name])),
    ("no issuer", Fault.ISSUER, lambda f: f.sign(iss=OMITTED)),
    ("another audience", Fault.AUDIENCE, lambda f: f.sign(aud="https://other.test")),
    ("no audience", Fault.AUDIENCE, lambda f: f.sign(aud=OMITTED)),
    ("an empty audience", Fault.AUDIENCE, lambda f: f.sign(aud="")),
    ("an empty list of audiences", Fault.AUDIENCE, lambda f: f.sign(aud=[])),
    ("an audience under ours", Fault.AUDIENCE, lambda f: f.sign(aud=RESOURCE + "/x")),
    ("an audience above ours", Fault.AUDIENCE, lambda f: f.sign(aud=RESOURCE.removesuffix("/mcp"))),
    ("its own client as audience", Fault.AUDIENCE, lambda f: f.sign(aud="agent")),
    ("an audience in an object", Fault.AUDIENCE, lambda f: f.sign(aud={"x": RESOURCE})),
    ("an audience in a list of a list", Fault.AUDIENCE, lambda f: f.sign(aud=[[RESOURCE]])),
    # when
    ("expired", Fault.EXPIRED, lambda f: f.sign(exp=NOW - 60)),
    ("expired before 1970", Fault.EXPIRED, lambda f: f.sign(exp=-1)),
    ("no expiry", Fault.TIME, lambda f: f.sign(exp=OMITTED)),
    ("expiry null", Fault.TIME, lambda f: f.sign(exp=None)),
    ("expiry in words", Fault.TIME, lambda f: f.sign(exp="soon")),
    ("expiry in digits that are text", Fault.TIME, lambda f: f.sign(exp=str(NOW + 60))),
    ("expiry true", Fault.TIME, lambda f: f.sign(exp=True)),
    ("expiry in a list", Fault.TIME, lambda f: f.sign(exp=[NOW + 60])),
    ("not yet valid", Fault.TIME, lambda f: f.sign(nbf=NOW + 86_400)),
    ("not before in words", Fault.TIME, lambda f: f.sign(nbf="now")),
    ("issued in the future", Fault.TIME, lambda f: f.sign(iat=NOW + 86_400)),
    # who
    ("no subject", Fault.SUBJECT, lambda f: f.sign(sub=OMITTED)),
    ("an empty subject", Fault.SUBJECT, lambda f: f.sign(sub="")),
    ("a subject of spaces", Fault.SUBJECT, lambda f: f.sign(sub="   ")),
    ("a subject that is a number", Fault.SUBJECT, lambda f: f.sign(sub=7)),
    ("two subjects", Fault.SUBJECT, lambda f: f.sign(sub=["ada", "eve"])),
    ("a subject with a line break", Fault.SUBJECT, lambda f: f.sign(sub="ada\nroot")),
    ("a subject written backwards", Fault.SUBJECT, lambda f: f.sign(sub="\u202eada")),
    ("half a character as a subject", Fault.SUBJECT, lambda f: f.sign(sub="ada\ud800")),
    ("a subject without end", Fault.SUBJECT, lambda f: f.sign(sub="a" * 256)),
    ("no client", Fault.CLIENT, lambda f: f.sign(client_id=OMITTED)),
    ("a client that is an object", Fault.CLIENT, lambda f: f.sign(client_id={"id": "agent"})),
    ("an actor that is a text", Fault.ACTOR, lambda f: f.sign(act="claude")),
    ("an actor without a subject", Fault.ACTOR, lambda f: f.sign(act={})),
    ("an actor chain without end", Fault.ACTOR, lambda f: f.sign(act=_chain(50))),
    ("groups that are an object", Fault.GROUPS, lambda f: f.sign(groups={"analysts": True})),
    ("a group that is a number", Fault.GROUPS, lambda f: f.sign(groups=["analysts", 1])),
    ("groups that are elsewhere", Fault.GROUPS, lambda f: f.sign(_claim_names={"groups": "src1"})),
    ("groups that did not fit", Fault.GROUPS, lambda f: f.sign(hasgroups=True)),
    ("more groups than are believed", Fault.GROUPS, lambda f: f.sign(groups=["g"] * 1_001)),
    # bindings
    ("bound to a key that is not shown", Fault.BINDING, lambda f: f.sign(cnf={"jkt": "x" * 43})),
    ("bound to a certificate", Fault.BINDING, lambda f: f.sign(cnf={"x5t#S256": "x" * 43})),
    ("bound to a key and something else", Fault.BINDING, lambda f: f.sign(cnf={"jkt": "x" * 43, "kid": "y"})),
    ("bound to nothing", Fault.BINDING, lambda f: f.sign(cnf={})),
    # how it is written
    ("a subject named twice", Fault.MALFORMED, lambda f: _twice(f, "sub", "eve")),
    ("an audience named twice", Fault.MALFORMED, lambda f: _twice(f, "aud", RESOURCE)),
    ("an algorithm named twice", Fault.MALFORMED, _two_algorithms),
    ("expiry not a number", Fault.MALFORMED, lambda f: f.raw(f.claims()[:-1].encode() + b', "x": NaN}')),
    ("expiry infinite", Fault.MALFORMED, lambda f: f.raw(f.claims(exp=OMITTED)[:-1].encode() + b', "exp": Infinity}')),
    ("claims in a list", Fault.MALFORMED, lambda f: f.raw(f"[{f.claims()}]".encode())),
    ("claims that are a text", Fault.MALFORMED, lambda f: f.raw(json.dumps(f.claims()).encode())),
    ("claims in UTF-16", Fault.MALFORMED, lambda f: f.raw(f.claims().encode("utf-16"))),
    ("claims after a byte order mark", Fault.MALFORMED, lambda f: f.raw(b"\xef\xbb\xbf" + f.claims().encode())),
    ("claims that are not UTF-8", Fault.MALFORMED, lambda f: f.raw(f.claims().encode()[:-1] + b', "x": "\xff"}')),
    ("two objects of claims", Fault.MALFORMED, lambda f: f.raw(f.claims().encode() * 2)),
    ("claims that nest without end", Fault.MALFORMED, _deep),
    ("a number of many digits", Fault.MALFORMED, lambda f: f.raw(b'{"exp": ' + b"9" * 5_000 + b"}")),
    ("padding", Fault.MALFORMED, lambda f: Bearer(f.sign().token + "=")),
    ("a line break at the end", Fault.MALFORMED, lambda f: Bearer(f.sign().token + "\n")),
    ("a fourth part", Fault.MALFORMED, lambda f: Bearer(f.sign().token + ".AA")),
    ("no signature", Fault.MALFORMED, lambda f: _cut(f.sign(), signature="")),
    ("two tokens", Fault.MALFORMED, lambda f: Bearer(f"{f.sign().token}, {f.sign().token}")),
    ("characters that only look like letters", Fault.MALFORMED, lambda f: Bearer("\u0435" + f.sign().token[1:])),
    ("too long, but signed", Fault.TOO_LONG, lambda f: f.sign(x="x" * TOKEN_LENGTH_MAX)),
    ("a header too long, but signed", Fault.TOO_LONG, lambda f: f.sign({"x": "x" * HEADER_CHARS_MAX})),
    # algorithms
    ("no algorithm", Fault.ALGORITHM, lambda f: _none(f, "none")),
    ("no algorithm, spelled otherwise", Fault.ALGORITHM, lambda f: _none(f, "nOnE")),
    ("the algorithm in other case", Fault.ALGORITHM, lambda f: _none(f, f.alg.swapcase())),
    ("an HMAC with the public key", Fault.ALGORITHM, lambda f: _hmac(f, _public(f.issuer.keys["k"]))),
    ("an HMAC with the empty key", Fault.ALGORITHM, lambda f: _hmac(f, b"")),
    ("an algorithm that is a list", Fault.ALGORITHM, lambda f: _with(f.sign(), 0, b64(b'{"alg":["none"]}'))),
)  # fmt: skip

ONCE: tuple[Case, ...] = (
    ("nothing", Fault.MISSING, lambda f: None),
    ("an empty token", Fault.MISSING, lambda f: Bearer("")),
    ("one letter", Fault.MALFORMED, lambda f: Bearer("x")),
    ("three letters", Fault.MALFORMED, lambda f: Bearer("a.b.c")),
    ("dots", Fault.MALFORMED, lambda f: Bearer("....")),
    ("a zero byte", Fault.MALFORMED, lambda f: Bearer("\x00")),
    ("half a character", Fault.MALFORMED, lambda f: Bearer("\ud800")),
    ("empty objects", Fault.ISSUER, lambda f: Bearer("e30.e30.e30")),
    ("null", Fault.MALFORMED, lambda f: Bearer("bnVsbA.bnVsbA.bnVsbA")),
    ("a JWE", Fault.MALFORMED, lambda f: Bearer("e30.AA.AA.AA.AA")),
    ("an API key", Fault.MALFORMED, lambda f: Bearer("sk-0123456789abcdef")),
    ("a megabyte", Fault.TOO_LONG, lambda f: Bearer("a" * 1_000_000)),
    ("a key where only an unbound token is shown", Fault.BINDING, lambda f: Bearer(f.sign().token, "x" * 43)),
)


def _chain(length: int) -> dict[str, Any]:
    link: dict[str, Any] = {"sub": "agent"}
    for _ in range(length):
        link = {"sub": "agent", "act": link}
    return link


def forges() -> Iterator[Forge]:
    """One for each algorithm; each issuer has the keys of all algorithms, so that none is alone."""
    keys: dict[str, Key] = {alg: key_for(alg, f"k-{alg}") for alg in ALGORITHMS}
    strangers = {alg: key_for(alg, "k") for alg in ALGORITHMS}
    for alg in ALGORITHMS:
        issuer = Issuer(keys={**keys, "k": key_for(alg, "k")})
        yield Forge(issuer, Issuer(keys={"k": strangers[alg]}), alg, keys)
