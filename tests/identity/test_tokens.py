"""Only a token that this issuer signed, for this resource, within its time, proves anybody."""

import time
from collections.abc import AsyncGenerator

import anyio
import pytest
from joserfc.jwk import ECKey, RSAKey

from server.faults import Fault
from server.identity import TOKEN_LENGTH_MAX, Identify, TokenVerifier
from server.issuers import ALGORITHMS, IssuerTrust
from server.line import Bearer
from server.refusals import Unauthenticated, UnknownTool
from server.tokens import HEADER_CHARS_MAX
from tests.identity.issuer import ISSUER, Clock, Issuer, b64, client_of, key_for, verifier_of


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def verifier(issuer: Issuer, clock: Clock) -> AsyncGenerator[TokenVerifier]:
    async with client_of(issuer) as http:
        yield verifier_of(http, monotonic=clock)


async def test_a_good_token_proves_the_person_and_the_agent(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.sign(act={"sub": "claude"}, groups=["analysts"], dept="sales", level=3, nested={"x": 1})
    principal = (await verifier.verify(token)).principal
    assert (principal.subject, principal.actor, principal.issuer) == ("ada", "claude", ISSUER)
    assert principal.groups == {"analysts"}
    assert principal.scopes == {"snowgate:read"}
    assert principal.claims["dept"] == "sales"
    assert "nested" not in principal.claims


async def test_without_an_actor_the_client_is_the_agent(issuer: Issuer, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.sign())).principal.actor == "agent"


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_asymmetric_signatures_are_accepted(alg: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.keys["k2"] = key_for(alg, "k2")
    assert (await verifier.verify(issuer.sign("k2", alg))).principal.subject == "ada"


async def test_a_long_header_as_issuers_write_them_is_read(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Long key ids and thumbprints of certificates: more than the 512 bytes that the library takes by itself."""
    kid = "https://login.example.com/realms/acme/keys/" + "0123456789abcdef" * 40
    issuer.keys[kid] = RSAKey.generate_key(4_096, {"kid": kid})
    token = issuer.sign(kid, "PS512", {"x5t": "a" * 40, "x5t#S256": "b" * 86, "origin": "idp"})
    assert 512 < len(token.token.split(".")[0]) < HEADER_CHARS_MAX
    assert (await verifier.verify(token)).principal.subject == "ada"


async def test_a_plain_jwt_is_accepted_only_where_the_operator_says_so(issuer: Issuer) -> None:
    async with client_of(issuer) as http:
        lenient = verifier_of(http, IssuerTrust(issuer=ISSUER, accept_plain_jwt=True))
        assert (await lenient.verify(issuer.sign(header={"typ": "JWT"}))).principal.subject == "ada"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "....",
        "a" * (TOKEN_LENGTH_MAX + 1),
        "é.é.é",
        "\x00",
        "e30.e30.e30",
        "null.null.null",
        b64(b"[]") + ".e30.x",
    ],
)
async def test_garbage_proves_nobody(token: str, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer(token))


async def test_nobody_is_proven_without_a_token(verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(None)


async def test_a_new_key_is_fetched_when_a_token_names_it(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    issuer.keys["k2"] = ECKey.generate_key("P-256", {"kid": "k2"})
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign("k2"))  # the floor on fetching holds
    clock.now += 11
    assert (await verifier.verify(issuer.sign("k2"))).principal.subject == "ada"


async def test_unknown_key_ids_cannot_make_the_gate_hammer_the_issuer(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    for n in range(50):
        issuer.keys[f"x{n}"] = issuer.keys["k1"]
        with pytest.raises(Unauthenticated):
            await verifier.verify(Bearer(_unknown_kid(issuer, f"unknown-{n}")))
    assert issuer.fetches == 1


def _unknown_kid(issuer: Issuer, kid: str) -> str:
    _, body, signature = issuer.sign().token.split(".")
    return ".".join([b64(f'{{"alg":"ES256","kid":"{kid}","typ":"at+jwt"}}'.encode()), body, signature])


async def test_keys_outlive_an_issuer_that_is_down_until_they_are_stale(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    issuer.is_down = True
    clock.now += 500
    assert (await verifier.verify(issuer.sign())).principal.subject == "ada"
    clock.now += 600
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_discovery_document_of_another_issuer_is_not_trusted(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.named = "https://evil.test"
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_key_of_an_unknown_kind_does_not_spoil_the_others(issuer: Issuer, verifier: TokenVerifier) -> None:
    strange = [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, {"kty": "RSA", "n": "!"}, {"use": 1}, "x", None]
    symmetric = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "k1"}
    issuer.key_set = {"keys": [*strange, *issuer.public()["keys"], symmetric]}
    assert (await verifier.verify(issuer.sign())).principal.subject == "ada"


@pytest.mark.parametrize(
    "said", [{"use": "enc"}, {"alg": "ES384"}, {"alg": "ECDH-ES"}, {"key_ops": ["deriveKey"]}, {"key_ops": []}]
)
async def test_a_key_that_was_published_for_something_else_proves_nobody(
    said: dict[str, object], issuer: Issuer, verifier: TokenVerifier
) -> None:
    [key] = issuer.public()["keys"]
    issuer.key_set = {"keys": [{**key, **said}]}
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(issuer.sign())
    assert refused.value.fault is Fault.SIGNATURE


async def test_an_rsa_key_that_was_published_for_another_padding_proves_nobody(
    issuer: Issuer, verifier: TokenVerifier
) -> None:
    """It would verify, so that only what the issuer said of it stands against it."""
    issuer.keys = {"r": RSAKey.generate_key(2048, {"kid": "r"})}
    [key] = issuer.public()["keys"]
    issuer.key_set = {"keys": [{**key, "alg": "PS256", "use": "sig"}]}
    assert (await verifier.verify(issuer.sign("r", "PS256"))).principal.subject == "ada"
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(issuer.sign("r", "RS256"))
    assert refused.value.fault is Fault.SIGNATURE


@pytest.mark.parametrize("said", [{"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["deriveKey"]}])
async def test_of_two_keys_with_one_name_the_one_that_was_published_for_this_counts(
    said: dict[str, object], issuer: Issuer, verifier: TokenVerifier
) -> None:
    [key] = issuer.public()["keys"]
    other = ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False)
    issuer.key_set = {"keys": [{**other, **said}, key]}
    assert (await verifier.verify(issuer.sign())).principal.subject == "ada"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "null",
        "{",
        '{"keys":null}',
        '{"keys":5}',
        '{"keys":[]}',
        '{"keys":[1]}',
        "[" * 50_000,
        "x" * 1_100_000,
    ],
    ids=lambda said: said[:14],
)
async def test_a_key_set_in_no_known_shape_is_no_key_set(said: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.key_set = said or " "
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_the_keys_of_an_https_issuer_are_not_taken_over_http(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.key_set_at = f"{ISSUER}/jwks".replace("https", "http")
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_proof_is_remembered_for_a_moment_and_never_past_the_tokens_end(issuer: Issuer) -> None:
    wall = Clock(float(int(time.time())))
    async with client_of(issuer) as http:
        remembering = verifier_of(http, leeway_s=0, clock=wall)
        token = issuer.sign(exp=int(wall.now) + 1)
        proof = await remembering.verify(token)
        assert await remembering.verify(token) is proof
        wall.now += 1.5
        with pytest.raises(Unauthenticated):
            await remembering.verify(token)
        lasting = issuer.sign(iat=int(wall.now), exp=int(wall.now) + 60)
        first = await remembering.verify(lasting)
        wall.now += 3
        assert await remembering.verify(lasting) is not first


async def test_a_signature_that_was_seen_to_be_good_counts_for_as_long_as_its_key_does(issuer: Issuer) -> None:
    wall, since_start = Clock(float(int(time.time()))), Clock()
    async with client_of(issuer) as http:
        verifier = verifier_of(http, leeway_s=0, clock=wall, monotonic=since_start)
        token = issuer.sign(exp=int(wall.now) + 60)
        await verifier.verify(token)
        issuer.keys["k1"] = key_for("ES256", "k1")  # the same name for another key
        wall.now += 3
        assert (await verifier.verify(token)).principal.subject == "ada"  # the old key is still fresh
        since_start.now += 101
        wall.now += 3
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(token)
        assert refused.value.facts["fault"] == Fault.SIGNATURE
        await verifier.verify(issuer.sign(exp=int(wall.now) + 60))


async def test_a_good_signature_does_not_outlive_the_time_of_its_token(issuer: Issuer) -> None:
    wall = Clock(float(int(time.time())))
    async with client_of(issuer) as http:
        verifier = verifier_of(http, leeway_s=0, clock=wall)
        token = issuer.sign(exp=int(wall.now) + 60)
        await verifier.verify(token)
        wall.now += 61
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(token)
        assert refused.value.facts["fault"] == Fault.EXPIRED


async def test_a_tool_needs_its_scope(issuer: Issuer, verifier: TokenVerifier) -> None:
    identify = Identify(verifier, {"run_query": ("snowgate:read",), "request_write": ("snowgate:write",)})
    assert (await identify(issuer.sign(), "run_query")).subject == "ada"
    with pytest.raises(UnknownTool):
        await identify(issuer.sign(), "request_write")


async def test_calls_that_come_while_keys_are_being_fetched_wait_for_them(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    """At a start, and when the issuer has begun to sign with a new key."""
    for kid in ("k1", "k2"):
        issuer.keys.setdefault(kid, ECKey.generate_key("P-256", {"kid": kid}))
        proven: list[str] = []

        async def prove(kid: str = kid, proven: list[str] = proven) -> None:
            proven.append((await verifier.verify(issuer.sign(kid))).principal.subject)

        issuer.may_answer = anyio.Event()
        asked = issuer.fetches
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(prove)
            await anyio.wait_all_tasks_blocked()
            assert issuer.fetches == asked + 1
            for _ in range(4):
                tasks.start_soon(prove)
            await anyio.wait_all_tasks_blocked()
            issuer.may_answer.set()
        assert proven == ["ada"] * 5
        clock.now += 11
