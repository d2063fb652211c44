"""What identity and leases cost by themselves: `python -m tests.bench.lending`.

Identity and minting are timed as CPU of this thread, which other programs do not disturb. Sixty-four people at once
then read through leases, each in a session of their own, against the stand-in for Snowflake in a process beside; bursts
of the same reads by the bare driver, with as many connections, come in turn. Ends with 1 if a bound does not hold.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384
from joserfc.jwk import RSAKey

from server.brokers.minted import ExternalOAuth
from server.brokers.signing import KeySigner
from server.identity import REMEMBERED_S
from server.issuers import ALGORITHMS
from server.leases import SessionLease
from server.line import Bearer
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.warehouse import Account, Order, prepare_process
from tests.bench import proc
from tests.bench.cases import CASES, Query
from tests.bench.credentials import Keys
from tests.bench.driver import Driver
from tests.bench.processes import free_port, listening, running
from tests.identity.issuer import ISSUER, Clock, Issuer, client_of, key_for, verifier_of

PEOPLE = 64
BURST = 640
ROUNDS = 7
TIMES = 300

IDENTITY_MS_MAX = 0.3
MINT_MS_MAX = 1.0
RATIO_MIN = 0.8
SESSION_MIB_MAX = 2.0


async def main() -> int:
    """Measure, print, and say whether every bound holds."""
    held = [
        *[await _identity(algorithm) for algorithm in ("RS256", "PS256", "ES256", "EdDSA")],
        await _p384(),
        await _remembered(),
        _mint(),
        *await _sessions(),
    ]
    return 0 if all(held) else 1


def _told(what: str, value: float, unit: str, bound: float, *, at_least: bool = False) -> bool:
    holds = value >= bound if at_least else value <= bound
    sign = "at least" if at_least else "at most"
    print(f"{what:<58} {value:8.3f} {unit:<4} {sign} {bound:g}: {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
    return holds


async def _cpu_ms(work: Callable[[int], Awaitable[Any]], times: int = TIMES) -> float:
    """The median of the CPU that `work` takes, in milliseconds."""
    took: list[float] = []
    for n in range(times):
        began = time.thread_time_ns()
        await work(n)
        took.append((time.thread_time_ns() - began) / 1e6)
    return median(took)


async def _identity(algorithm: str) -> bool:
    return _told(f"identity, a new {algorithm} token, p50", await _of_new(algorithm), "ms", IDENTITY_MS_MAX)


async def _of_new(algorithm: str) -> float:
    """Tokens that were never seen before, with the issuer's keys in memory."""
    assert algorithm in ALGORITHMS
    issuer = Issuer(ISSUER, {"k1": key_for(algorithm, "k1")})
    tokens = [issuer.sign("k1", algorithm, jti=secrets.token_hex(8), groups=["analysts"]) for _ in range(TIMES)]
    async with client_of(issuer) as http:
        verifier = verifier_of(http)
        await verifier.verify(issuer.sign("k1", algorithm))
        return await _cpu_ms(lambda n: verifier.verify(tokens[n]))


async def _p384() -> bool:
    """The dearest curve: its arithmetic alone is more than the bound, so a token's first call is told and not judged.

    Judged is the same token later than `REMEMBERED_S`, as an agent sends it for minutes.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    signature, public = key.sign(b"x" * 600, ec.ECDSA(SHA384())), key.public_key()

    async def arithmetic(_: int) -> None:
        public.verify(signature, b"x" * 600, ec.ECDSA(SHA384()))

    first, alone = await _of_new("ES384"), await _cpu_ms(arithmetic)
    print(f"identity, a new ES384 token, p50: {first:.3f} ms, of which the signature's arithmetic is {alone:.3f}")
    issuer, clock = Issuer(ISSUER, {"k1": key_for("ES384", "k1")}), Clock(time.time())
    tokens = [issuer.sign("k1", "ES384", jti=secrets.token_hex(8), groups=["analysts"]) for _ in range(TIMES)]
    async with client_of(issuer) as http:
        verifier = verifier_of(http, clock=clock)
        for token in tokens:
            await verifier.verify(token)
        clock.now += 2 * REMEMBERED_S
        spent = await _cpu_ms(lambda n: verifier.verify(tokens[n]))
    return _told("identity, an ES384 token that came before, p50", spent, "ms", IDENTITY_MS_MAX)


async def _remembered() -> bool:
    """One token again and again, as an agent sends it; it is verified anew every two seconds."""
    issuer = Issuer()
    async with client_of(issuer) as http:
        verifier, token = verifier_of(http), issuer.sign()
        await verifier.verify(token)
        spent = await _cpu_ms(lambda _: verifier.verify(Bearer(token.token)))
    return _told("identity, a token that was just seen, p50", spent, "ms", IDENTITY_MS_MAX)


def _broker() -> ExternalOAuth:
    return ExternalOAuth("https://gate", "https://snow", (KeySigner(RSAKey.generate_key(2_048)),))


def _mint() -> bool:
    broker, took = _broker(), []
    for _ in range(TIMES):
        began = time.thread_time_ns()
        broker.mint("ada", "READER")
        took.append((time.thread_time_ns() - began) / 1e6)
    return _told("mint of a token for Snowflake, p50", median(took), "ms", MINT_MS_MAX)


async def _sessions() -> list[bool]:
    """Memory of sixty-four sessions, logins, and the throughput of warm reads, at two speeds of the backend."""
    held: list[bool] = []
    prepare_process()
    with tempfile.TemporaryDirectory() as home:
        keys = Keys.made_in(Path(home))
        for query_ms in (0.0, 60.0):
            port, log = free_port(), Path(home) / "backend.log"
            told = ["-m", "tests.bench.backend", "--port", str(port), "--keys", str(keys.public)]
            with running([*told, "--query-ms", str(query_ms)], log) as pid:
                await listening(port, pid, log)
                held += await _against(port, query_ms)
    return held


async def _against(port: int, query_ms: float) -> list[bool]:
    driver, before = Driver(port), proc.memory_mib(os.getpid())[0]
    limits = PoolLimits(idle_s=600, total_max=PEOPLE, wait_s=60)
    people = [Kind("iss", f"p{n}", "READER", "WH", "policy") for n in range(PEOPLE)]
    async with open_pool(Account("bench", "127.0.0.1", port, "http"), _broker(), limits) as pool:
        await _leased(pool, people, PEOPLE)
        each = (proc.memory_mib(os.getpid())[0] - before) / PEOPLE
        bare, leased = [], []
        await driver.burst(CASES["point"].queries(PEOPLE), PEOPLE)
        for _ in range(ROUNDS):
            bare.append(await _rate(lambda: driver.burst(CASES["point"].queries(BURST), PEOPLE)))
            leased.append(await _rate(lambda: _leased(pool, people, BURST)))
        logins = pool.logins
    driver.close()
    name = f"backend of {query_ms:g} ms"
    ratio = median(ours / theirs for ours, theirs in zip(leased, bare, strict=True))
    print(f"{name}: {median(bare):.0f} reads/s by the driver, {median(leased):.0f} through leases")
    return [
        _told(f"{name}: warm reads of {PEOPLE}, beside the driver's", ratio, "x", RATIO_MIN, at_least=True),
        _told(f"{name}: logins of {PEOPLE} people in {ROUNDS * BURST} reads", logins, "", PEOPLE),
        _told(f"{name}: memory of a session", each, "MiB", SESSION_MIB_MAX),
    ]


async def _rate(burst: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await burst()
    return BURST / (time.perf_counter() - began)


async def _leased(pool: SessionPool, people: Sequence[Kind], count: int) -> None:
    """`count` reads, shared out among `people`, each by a lease of its own."""

    async def read(kind: Kind, queries: Sequence[Query]) -> None:
        for query in queries:
            async with SessionLease(pool, kind, "", "") as lease:
                raw = await lease.run(Order(query.sql, (), query.rows, 60, "bench"))
            assert len(raw.rows) == query.rows

    queries = list(CASES["point"].queries(count))
    async with anyio.create_task_group() as tasks:
        for n, kind in enumerate(people):
            tasks.start_soon(read, kind, queries[n :: len(people)])


if __name__ == "__main__":
    sys.exit(anyio.run(main, backend_options={"use_uvloop": sys.platform != "win32"}))
