"""The console over https, behind a proxy that ends TLS, with two workers behind that: one console to a browser."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.console.browsing import Browser, asked_for
from tests.console.test_console import state_of
from tests.support.clients import Gate
from tests.support.gates import serving

NO_KEEPING = httpx2.Limits(max_keepalive_connections=0)
"""Each request on a connection of its own, so that it comes to whichever worker."""


def certificate(directory: Path) -> tuple[Path, Path]:
    """Files with a certificate for this machine, signed by itself, and with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = directory / "tls.pem", directory / "tls.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return files


@asynccontextmanager
async def tls_in_front_of(port: int, files: tuple[Path, Path]) -> AsyncGenerator[int]:
    """The port of a proxy that ends TLS and passes everything on to `port`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)

    async def copy(source: ByteStream, target: ByteStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError):
            while True:
                await target.send(await source.receive())

    async def handle(outside: ByteStream) -> None:
        async with outside, await anyio.connect_tcp("127.0.0.1", port) as inside, anyio.create_task_group() as tasks:
            tasks.start_soon(copy, outside, inside)
            await copy(inside, outside)
            tasks.cancel_scope.cancel()

    listener = TLSListener(await anyio.create_tcp_listener(local_host="127.0.0.1"), context, standard_compatible=False)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield int(listener.listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django's
        tasks.cancel_scope.cancel()


@pytest.fixture
async def proxied(gate: Gate, free_tcp_port: int, tmp_path: Path) -> AsyncGenerator[tuple[Gate, str, ssl.SSLContext]]:
    """Two workers, the console's address outside, and what a browser trusts."""
    files = certificate(tmp_path)
    state = replace(gate.sandbox.state, ports=gate.sandbox.state.ports.model_copy(update={"gate": free_tcp_port}))
    async with tls_in_front_of(free_tcp_port, files) as outside:
        console = f"https://localhost:{outside}/console"
        settings = {
            "SNOWGATE_WORKERS": "2",
            "SNOWGATE_RESOURCE": state.resource_url,
            "SNOWGATE_CONSOLE_URL": console,
            "SNOWGATE_ALLOWED_HOSTS": f"localhost:{outside},127.0.0.1:{free_tcp_port}",
            "SNOWGATE_ALLOWED_ORIGINS": f"https://localhost:{outside}",
        }
        async with serving(gate.sandbox, port=free_tcp_port, **settings):
            trusting = ssl.create_default_context(cafile=str(files[0]))
            yield Gate(replace(gate.sandbox, state=state)), console, trusting


async def test_a_session_of_one_worker_is_one_of_every_worker_and_its_cookie_travels_over_https_alone(
    proxied: tuple[Gate, str, ssl.SSLContext],
) -> None:
    gate, console, trusting = proxied
    hold_id = await asked_for(gate, 9241)
    async with Browser(gate, console, verify=trusting, limits=NO_KEEPING) as browser:
        inbox = await browser.sign_in("sofia")
        assert f"/holds/{hold_id}" in inbox.answer.text
        [cookie] = [each for each in browser.http.cookies.jar if each.name.startswith("__Host-snowgate")]
        assert (cookie.secure, cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == (True, "/", True)
        assert "max-age" in inbox.answer.headers["strict-transport-security"]
        for _ in range(8):  # each at whichever worker
            assert (await browser.get(f"/holds/{hold_id}")).answer.status_code == 200
        origin = {"origin": console.removesuffix("/console"), "sec-fetch-site": "same-origin"}
        form = (await browser.get(f"/holds/{hold_id}")).forms["decide"]
        word = {**form, "verdict": "approve", "reason": "I have read it"}
        foreign = await browser.post(f"/holds/{hold_id}/decide", word, headers={"origin": "https://elsewhere.example"})
        assert (foreign.code, foreign.answer.status_code) == ("console_forged", 403)
        assert (await browser.post(f"/holds/{hold_id}/decide", word, headers=origin)).answer.status_code == 303
        assert "You approved this" in (await browser.get(f"/holds/{hold_id}")).text
    assert await state_of(gate, hold_id) == "executed"
