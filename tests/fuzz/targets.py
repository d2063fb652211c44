"""What is fuzzed: each target takes any bytes and fails by an assertion, or by an error that it should not let out."""

import base64
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import sqlglot
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState

from audit.canonical import NotCanonical, canonical, parse
from audit.entry import read_entry
from policy.decision import Deny, Permit
from policy.report import verdict_on
from policy.statement import SchemaRequest, SqlStatement
from policy.understand import understand
from server.claims import ClaimsReader
from server.issuers import IssuerTrust
from server.keys import IssuerKeys
from server.refusals import Unauthenticated
from server.tokens import Claims, JwtVerifier, read
from tests.corpus import cases, world
from tests.deciding.variants import agrees, learned, varied
from tests.identity import issuer as issuers

JUDGED_S_MAX = 10.0
"""A minute would be a defect; the bound leaves room for a machine under load and for instrumented code."""

NOW = 1_800_000_000
"""The clock stands still, so that what was found once is found again."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz: where it begins, and words that the fuzzer may use."""

    one: Callable[[bytes], None]
    begin_with: Callable[[], Iterator[bytes]]
    words: tuple[str, ...] = ()


def statement(data: bytes) -> None:
    """Any text is refused with a code or judged, in time, twice alike; what would run is one statement again."""
    text = data.decode("utf-8", "surrogateescape")
    began = time.monotonic()
    engine, who = world.engine(), world.WRITER
    verdict = verdict_on(engine, who, text)
    assert time.monotonic() - began < JUDGED_S_MAX
    again = verdict_on(engine, who, text)
    assert (again.word, again.sql, again.rules) == (verdict.word, verdict.sql, verdict.rules)
    if verdict.sql is not None:
        verdict.sql.encode()
        assert len(sqlglot.parse(verdict.sql, dialect="snowflake")) == 1
    elif verdict.statement is None:
        assert verdict.decision.code  # type: ignore[union-attr]  # what is not understood is denied


class Published(IssuerKeys):
    """Keys that were fetched already."""

    async def key_set(self, key_id: str | None) -> KeySet:
        return KeySet([signing_key()])


@cache
def signing_key() -> OKPKey:
    """One key for the whole run; nothing of what is kept depends on which."""
    return OKPKey.generate_key("Ed25519", {"kid": "k"})


@cache
def verifier() -> tuple[JwtVerifier, ClaimsReader]:
    trust = IssuerTrust(issuer=issuers.ISSUER)
    keys = Published(issuers.ISSUER, httpx2.AsyncClient())
    return JwtVerifier(trust, keys, issuers.RESOURCE, 30.0, lambda: float(NOW)), ClaimsReader(trust)


def template(data: bytes) -> None:
    """Of any text, a template says what understanding it in full says, whatever it was made of; or nothing.

    The first bytes choose the literals of the variants that are learned from, and of those that are asked.
    """
    seed, text = int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "surrogateescape")
    dice = random.Random(seed)  # noqa: S311 - the same choice for the same input
    like = [text, text, *(varied(text, dice, share=0.4) for _ in range(6))]
    templates = learned(fully, like * 2)
    for _ in range(4):
        agrees(templates, fully, varied(text, dice, share=0.5))


def fully(text: str) -> SqlStatement:
    """Understanding in full, with all that can be observed."""
    of = world.engine()
    return understand(text, of.catalog.tables, of.policy.defaults, of.policy.functions, observing=True)


def token(data: bytes) -> None:
    """Any text, and any header and claims under a good signature, prove nobody or whom they plainly say.

    The first byte says what the rest is: 0 the token, 1 a header and, after a byte 0xFF, claims, else claims that
    replace those of a good token.
    """
    way, rest = data[:1], data[1:]
    if way == b"\0":
        text = rest.decode("utf-8", "surrogateescape")
    elif way == b"\1":
        header, _, claims = rest.partition(b"\xff")
        text = signed(header, claims)
    else:
        good = issuers.Issuer().claims(iat=NOW, exp=NOW + 60)
        try:
            changes = json.loads(rest)
        except (ValueError, RecursionError):
            return
        claims = json.dumps({**good, **changes} if isinstance(changes, dict) else changes).encode()
        text = signed(b'{"alg":"Ed25519","kid":"k","typ":"at+jwt"}', claims)
    checker, reader = verifier()
    try:
        unverified = read(text)
        proven = run(checker.verify(text, unverified))
        principal = reader.principal(proven, "")
    except Unauthenticated:
        return
    assert way != b"\0", "a token that nobody signed"
    plain = json.loads(proven_text(text))
    assert plain["iss"] == issuers.ISSUER
    assert issuers.RESOURCE in (plain["aud"] if isinstance(plain["aud"], list) else [plain["aud"]])
    assert plain["exp"] >= NOW - 30
    assert plain.get("nbf", 0) <= NOW + 30
    assert principal.subject == plain["sub"] != ""


def signed(header: bytes, claims: bytes) -> str:
    """These exact bytes under a good signature."""
    text = f"{issuers.b64(header)}.{issuers.b64(claims)}"
    algorithm = jws.JWSRegistry.algorithms["Ed25519"]
    return f"{text}.{issuers.b64(algorithm.sign(text.encode(), signing_key()))}"


def proven_text(text: str) -> bytes:
    part = text.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def run(waiting: Any) -> Claims:
    """What a coroutine that never waits comes to."""
    try:
        waiting.send(None)
    except StopIteration as done:
        result: Claims = done.value
        return result
    raise AssertionError("it waited for something")


def canonical_bytes(data: bytes) -> None:
    """Any bytes are the canonical bytes of what they say, or are refused; so are the entries among them."""
    try:
        value = parse(data)
    except NotCanonical:
        pass
    else:
        assert canonical(value) == data
        assert json.loads(data) == value
    try:
        entry = read_entry(data)
    except NotCanonical:
        return
    assert entry.body() == data
    assert (type(entry.v), type(entry.n)) == (int, int)


@cache
def sealed() -> tuple[AESGCMRequestStateCodec, str]:
    codec = AESGCMRequestStateCodec([b"a key of thirty-two bytes, or so."])
    return codec, codec.seal(b'{"hold":"one"}')


def state(data: bytes) -> None:
    """What a client carries between two rounds opens as it was sealed, or not at all; a cursor fits, or is denied.

    Begun with a byte below 0x80, the rest is taken as it is; else it is changes to a good one, a place and a character
    each.
    """
    codec, good = sealed()
    if data[:1] < b"\x80":
        text = data.decode("utf-8", "surrogateescape")
    else:
        characters = list(good)
        for place, character in zip(data[1::2], data[2::2], strict=False):
            characters[place % len(characters)] = chr(character)
        text = "".join(characters)
    engine = world.engine()
    schema = engine.decide(world.READER, SchemaRequest(cursor=text))
    assert isinstance(schema, Permit | Deny)
    try:
        opened = codec.unseal(text)
    except InvalidRequestState:
        assert text != good
        return
    assert (text, opened) == (good, b'{"hold":"one"}')


def _statements() -> Iterator[bytes]:
    for case in cases.ours():
        yield case.sql.encode()


def _templates() -> Iterator[bytes]:
    for number, case in enumerate(cases.ours()):
        yield number.to_bytes(2, "big") + case.sql.encode()


def _tokens() -> Iterator[bytes]:
    yield b'\x01{"alg":"Ed25519","kid":"k","typ":"at+jwt"}\xff' + json.dumps(issuers.Issuer().claims(exp=NOW)).encode()
    yield b'\x02{"aud":["https://gate.test/mcp","x"],"groups":["a"],"act":{"sub":"b","act":{"sub":"c"}},"sid":"s"}'
    yield b"\x00e30.e30.AA"
    header, good = b'{"alg":"Ed25519","kid":"k","typ":"at+jwt"}', issuers.Issuer().claims(iat=NOW, exp=NOW + 60)
    yield b"\x00" + ".".join((issuers.b64(header), issuers.b64(json.dumps(good).encode()), "AA")).encode()


def _entries() -> Iterator[bytes]:
    yield from (b'{"a":' + b"[" * depth + b"]" * depth + b"}" for depth in (100, 900, 1_000, 1_023, 2_000))
    yield b'{"a":[1,true,null,"x"],"b":{"c":-9007199254740991}}'
    yield (
        b'{"at":"2026-01-01T00:00:00.000000Z","call_id":"","facts":{},"n":0,"prev":"","stage":"x",'
        b'"stream":"00000000-0000-0000-0000-000000000000","v":1}'
    )


def _states() -> Iterator[bytes]:
    yield from (b"v1.AAAA", b"\x80\x00v", b"\x80\x05A\x06B")


WORDS = """
SELECT FROM WHERE WITH AS JOIN LATERAL FLATTEN UNION INTERSECT QUALIFY OVER PARTITION ORDER GROUP BY HAVING INSERT INTO
VALUES UPDATE SET DELETE MERGE USING MATCHED PIVOT UNPIVOT SAMPLE AT BEFORE CASE CAST TRY_CAST LISTAGG OBJECT_CONSTRUCT
PARSE_JSON IDENTIFIER TABLE GENERATOR RESULT_SCAN UNDROP TRUNCATE ALTER CREATE $1 :: => || -- /* */ $$ ? :1 @
gw.public.customer c_name c_acctbal c_mktsegment
"""

TARGETS = {
    "statement": Target(statement, _statements, tuple(WORDS.split())),
    "template": Target(template, _templates, tuple(WORDS.split())),
    "token": Target(token, _tokens, ("iss", "aud", "exp", "nbf", "sub")),
    "canonical": Target(canonical_bytes, _entries),
    "state": Target(state, _states),
}
