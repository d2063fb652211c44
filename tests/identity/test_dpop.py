"""A bound token is worth nothing without a proof, made for this very request, by the key that it is bound to."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit.journal import Journal
from server import dpop
from server.database import open_engine
from server.dpop import PROOF_AGE_S_MAX, Possession, ProofStore
from server.faults import Fault
from server.gatekeeper import Challenge, Gatekeeper
from server.identity import TokenVerifier
from server.issuers import ALGORITHMS, IssuerTrust
from server.line import Bearer
from server.refusals import Unauthenticated
from server.tokens import HEADER_CHARS_MAX
from tests.identity.issuer import ISSUER, OMITTED, RESOURCE, Issuer, client_of, key_for, verifier_of

NOW = int(time.time())


@dataclass
class Agent:
    """Holds a key, and a token that is bound to it."""

    issuer: Issuer
    key: Key
    alg: str = "ES256"
    proofs: int = 0

    def token(self, **claims: Any) -> str:
        return self.issuer.sign(**{"cnf": {"jkt": self.key.thumbprint()}, **claims}).token

    def proof(self, token: str, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        self.proofs += 1
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        body = {"jti": f"p{self.proofs}", "htm": "POST", "htu": RESOURCE, "iat": int(time.time()), "ath": ath, **claims}
        body = {name: value for name, value in body.items() if value is not OMITTED}
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.key.as_dict(private=False), **(header or {})}
        return self.issuer.sign_bytes(json.dumps(body).encode(), key or self.key, head).token


@pytest.fixture
def agent() -> Agent:
    return Agent(Issuer(), ECKey.generate_key("P-256"))


@pytest.fixture
async def verifier(agent: Agent) -> AsyncGenerator[TokenVerifier]:
    async with client_of(agent.issuer) as http:
        yield verifier_of(http)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_proof_by_the_bound_key_proves_its_holder(
    alg: str, agent: Agent, verifier: TokenVerifier, engine: AsyncEngine
) -> None:
    agent.alg, agent.key = alg, key_for(alg, "own")
    token = agent.token()
    thumbprint = await Possession(RESOURCE, ProofStore(engine)).verify(agent.proof(token), "POST", token)
    assert thumbprint == agent.key.thumbprint()
    assert (await verifier.verify(Bearer(token, thumbprint))).principal.subject == "ada"


async def test_a_bound_token_without_its_key_proves_nobody_also_when_it_was_just_accepted_with_it(
    agent: Agent, verifier: TokenVerifier
) -> None:
    token = agent.token()
    await verifier.verify(Bearer(token, agent.key.thumbprint()))
    for thumbprint in (None, ECKey.generate_key("P-256").thumbprint()):
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(Bearer(token, thumbprint))
        assert refused.value.fault is Fault.BINDING


async def test_where_proofs_are_required_an_unbound_token_proves_nobody(agent: Agent) -> None:
    async with client_of(agent.issuer) as http:
        strict = verifier_of(http, IssuerTrust(issuer=ISSUER, dpop="required"))
        assert (await strict.verify(Bearer(agent.token(), agent.key.thumbprint()))).principal.subject == "ada"
        with pytest.raises(Unauthenticated) as refused:
            await strict.verify(agent.issuer.sign())
    assert refused.value.fault is Fault.BINDING


async def test_a_proof_counts_once_on_all_replicas(agent: Agent, engine: AsyncEngine) -> None:
    token = agent.token()
    proof = agent.proof(token)
    await Possession(RESOURCE, ProofStore(engine)).verify(proof, "POST", token)
    with pytest.raises(Unauthenticated) as refused:
        await Possession(RESOURCE, ProofStore(engine)).verify(proof, "POST", token)
    assert refused.value.fault is Fault.REPLAYED


async def test_a_proof_by_a_long_rsa_key_fits(agent: Agent, engine: AsyncEngine) -> None:
    agent.alg, agent.key = "RS256", RSAKey.generate_key(4_096)
    token = agent.token()
    proof = agent.proof(token)
    assert 512 < len(proof.split(".")[0]) < HEADER_CHARS_MAX
    assert await Possession(RESOURCE, ProofStore(engine)).verify(proof, "POST", token)


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


async def test_a_key_that_is_too_weak_or_too_dear_is_not_tried(
    agent: Agent, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof can name any key: nobody has to own one to make the gate compute with it."""
    tried: list[Any] = []

    def imported(jwk: Any) -> Key:
        tried.append(jwk)
        return key_for("RS256", "other")

    monkeypatch.setattr(dpop, "import_key", imported)
    agent.alg, agent.key = "RS256", key_for("RS256", "own")
    token = agent.token()
    possession = Possession(RESOURCE, ProofStore(engine))
    for bits, exponent in ((1_024, 65_537), (8_192, 65_537), (2_048, 2**2_000 + 1), (2_048, 65_537)):
        jwk = {"kty": "RSA", "n": _number((1 << (bits - 1)) + 1), "e": _number(exponent)}
        with pytest.raises(Unauthenticated) as refused:
            await possession.verify(agent.proof(token, {"jwk": jwk}), "POST", token)
        assert refused.value.fault is Fault.PROOF
    assert [len(jwk["n"]) for jwk in tried] == [342]


HOSTILE: dict[str, Callable[[Agent, str], str]] = {
    "of another type": lambda a, t: a.proof(t, {"typ": "JWT"}),
    "without a type": lambda a, t: a.proof(t, {"typ": OMITTED}),
    "without a key": lambda a, t: a.proof(t, {"jwk": OMITTED}),
    "with a private key": lambda a, t: a.proof(t, {"jwk": a.key.as_dict(private=True)}),
    "with another's key": lambda a, t: a.proof(t, {"jwk": ECKey.generate_key("P-256").as_dict(private=False)}),
    "with a key of another kind": lambda a, t: a.proof(t, {"jwk": RSAKey.generate_key(2048).as_dict(private=False)}),
    "with a shared secret": lambda a, t: a.proof(t, {"jwk": OctKey.generate_key(256).as_dict()}),
    "with a key that is a text": lambda a, t: a.proof(t, {"jwk": "x"}),
    "with a key id besides": lambda a, t: a.proof(t, {"kid": "k1"}),
    "with a critical header": lambda a, t: a.proof(t, {"crit": ["x"], "x": 1}),
    "signed by the issuer": lambda a, t: a.proof(t, key=a.issuer.keys["k1"]),
    "for another method": lambda a, t: a.proof(t, htm="GET"),
    "for a method in small letters": lambda a, t: a.proof(t, htm="post"),
    "without a method": lambda a, t: a.proof(t, htm=OMITTED),
    "for another address": lambda a, t: a.proof(t, htu="https://evil.test/mcp"),
    "for another path": lambda a, t: a.proof(t, htu=RESOURCE + "/x"),
    "for another port": lambda a, t: a.proof(t, htu="https://gate.test:444/mcp"),
    "for http": lambda a, t: a.proof(t, htu="http://gate.test/mcp"),
    "for an address with a name in it": lambda a, t: a.proof(t, htu="https://gate.test@evil.test/mcp"),
    "for no address": lambda a, t: a.proof(t, htu="x"),
    "for another token": lambda a, t: a.proof(a.token(jti="other")),
    "without a token's hash": lambda a, t: a.proof(t, ath=OMITTED),
    "too old": lambda a, t: a.proof(t, iat=NOW - 3_600),
    "of the future": lambda a, t: a.proof(t, iat=NOW + 86_400),
    "without a time": lambda a, t: a.proof(t, iat=OMITTED),
    "with a time in words": lambda a, t: a.proof(t, iat="now"),
    "without an id": lambda a, t: a.proof(t, jti=OMITTED),
    "with an empty id": lambda a, t: a.proof(t, jti=""),
    "with an id without end": lambda a, t: a.proof(t, jti="x" * 300),
    "the access token itself": lambda a, t: t,
    "nothing": lambda a, t: "",
    "no JWT": lambda a, t: "x.y.z",
    "without end": lambda a, t: a.proof(t, x="x" * 9_000),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_proof_proves_nothing(
    make: Callable[[Agent, str], str], agent: Agent, engine: AsyncEngine
) -> None:
    token = agent.token()
    with pytest.raises(Unauthenticated) as refused:
        await Possession(RESOURCE, ProofStore(engine)).verify(make(agent, token), "POST", token)
    assert refused.value.fault is Fault.PROOF


@pytest.mark.parametrize(
    "htu", [f"{RESOURCE}?x=1", f"{RESOURCE}#x", "HTTPS://GATE.TEST/mcp", "https://gate.test:443/mcp"]
)
async def test_an_address_may_be_spelled_otherwise(htu: str, agent: Agent, engine: AsyncEngine) -> None:
    token = agent.token()
    assert await Possession(RESOURCE, ProofStore(engine)).verify(agent.proof(token, htu=htu), "POST", token)


LEEWAY_S = 30.0


@pytest.mark.parametrize(
    ("off_s", "age_s", "is_taken"),
    [
        (0, -28, True),
        (0, -33, False),
        (0, 88, True),
        (0, 93, False),
        (-25, 113, True),  # the last replica to take a proof is one that is behind
        (25, -53, True),
        (-35, 0, False),  # a clock that is too far off takes none, whatever its age
        (35, 0, False),
    ],
)
async def test_a_proof_is_remembered_for_as_long_as_any_replica_takes_it(
    off_s: int, age_s: int, is_taken: bool, agent: Agent, engine: AsyncEngine
) -> None:
    """Once on a replica whose clock is `off_s` seconds off, a proof that is `age_s` old by the database's."""
    token, now = agent.token(), int(time.time())
    proof = agent.proof(token, iat=now - age_s)

    async def use(replica_off_s: float) -> None:
        def clock() -> float:
            return time.time() + replica_off_s

        await Possession(RESOURCE, ProofStore(engine), LEEWAY_S, clock).verify(proof, "POST", token)

    if not is_taken:
        with pytest.raises(Unauthenticated) as refused:
            await use(off_s)
        assert refused.value.fault is Fault.PROOF
        return
    await use(off_s)
    with pytest.raises(Unauthenticated) as refused:
        await use(off_s)  # a new store forgets first what is over
    assert refused.value.fault is Fault.REPLAYED
    async with engine.connect() as connection:
        until = (
            await connection.execute(text("select extract(epoch from expires_at) from gate.dpop_proof"))
        ).scalar_one()
    latest = now - age_s + PROOF_AGE_S_MAX + LEEWAY_S  # by the clock of a replica, which is at most a leeway behind
    assert float(until) >= latest + LEEWAY_S


async def test_without_a_database_that_answers_no_proof_counts(agent: Agent, free_tcp_port: int) -> None:
    token = agent.token()
    async with open_engine(f"postgresql://nobody:nothing@127.0.0.1:{free_tcp_port}/none") as gone:
        with pytest.raises(Unauthenticated):
            await Possession(RESOURCE, ProofStore(gone)).verify(agent.proof(token), "POST", token)


class NoJournal(Journal):
    """Takes every entry."""

    def __init__(self) -> None:
        self.faults: list[Any] = []

    async def append(self, call_id: str, stage: str, facts: Any) -> Any:
        self.faults.append(facts.get("fault"))


@pytest.fixture
async def door(verifier: TokenVerifier, engine: AsyncEngine) -> AsyncGenerator[httpx2.AsyncClient]:
    """The keeper before an application that says who came in."""

    async def inside(request: Request) -> Response:
        return JSONResponse({"client": request.user.display_name, "key": request.user.access_token.thumbprint})

    keeper = Middleware(
        Gatekeeper,
        verifier=verifier,
        journal=NoJournal(),
        possession=Possession(RESOURCE, ProofStore(engine)),
        challenge=Challenge("https://gate.test/metadata", {}),
        open_paths=frozenset(),
    )
    app = Starlette(routes=[Route("/mcp", inside, methods=["POST"])], middleware=[keeper])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http:
        yield http


async def _post(door: httpx2.AsyncClient, *headers: tuple[str, str]) -> httpx2.Response:
    return await door.post(RESOURCE, headers=list(headers))


async def test_at_the_door_the_scheme_the_token_and_the_proof_have_to_agree(
    agent: Agent, door: httpx2.AsyncClient
) -> None:
    bound, free = agent.token(), agent.issuer.sign().token
    dpop, bearer = "Authorization", "Authorization"
    good = await _post(door, (dpop, f"DPoP {bound}"), ("DPoP", agent.proof(bound)))
    assert good.json() == {"client": "agent", "key": agent.key.thumbprint()}
    refused = [
        await _post(door, (dpop, f"DPoP {bound}")),
        await _post(door, (dpop, f"DPoP {bound}"), ("DPoP", agent.proof(bound)), ("DPoP", agent.proof(bound))),
        await _post(door, (bearer, f"Bearer {bound}")),
        await _post(door, (bearer, f"Bearer {bound}"), ("DPoP", agent.proof(bound))),
        await _post(door, (dpop, f"DPoP {free}"), ("DPoP", agent.proof(free))),
        await _post(door, (dpop, f"DPoP {bound}"), ("DPoP", agent.proof(free))),
    ]
    assert [response.status_code for response in refused] == [401] * len(refused)
    assert refused[0].headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')
    assert refused[2].headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert (await _post(door, (bearer, f"Bearer {free}"))).status_code == 200
