"""Where the sandbox keeps what must survive a restart: one directory with keys, ports and secrets.

Everything in it is made on the first start and only read afterwards, so that tokens, client configurations and data
that a person set up yesterday still work today. Secrets are files of mode 0600 in a directory of mode 0700.
"""

import base64
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

STATE_FILE = "sandbox.json"
HOME_VARIABLE = "SNOWGATE_HOME"
DEFAULT_HOME = ".snowgate"
LOOPBACK = "127.0.0.1"


class SandboxError(Exception):
    """The sandbox cannot start or stop as asked; shaped like a refusal: stable `code`, `message`, `hint`."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Ports(BaseModel):
    """TCP ports on 127.0.0.1, chosen once: the addresses in people's client configurations must not move."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    snowflake: int = Field(ge=1, le=65535)
    issuer: int = Field(ge=1, le=65535)
    gate: int = Field(ge=1, le=65535)


class _StateFile(BaseModel):
    """What is written to `sandbox.json`. No secret is in it, and not where it lies: the directory may be moved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    ports: Ports


@dataclass(frozen=True, slots=True)
class SandboxState:
    """One sandbox's directory: where each thing is, and under which addresses the sandbox answers."""

    home: Path
    ports: Ports

    @property
    def keys(self) -> Path:
        """The directory of secrets, mode 0700."""
        return self.home / "keys"

    @property
    def issuer_key_file(self) -> Path:
        """PEM, EC P-256: signs the access tokens of the sandbox's own OIDC issuer."""
        return self.keys / "issuer.pem"

    @property
    def lease_key_file(self) -> Path:
        """PEM, RSA 2048: the gate mints Snowflake External OAuth tokens with it."""
        return self.keys / "lease.pem"

    @property
    def broker_key_file(self) -> Path:
        """PEM, RSA 2048: the gate's broker logs in to Snowflake with it, where it has to make tokens or users there."""
        return self.keys / "broker.pem"

    @property
    def journal_key_file(self) -> Path:
        """32 random bytes, base64 on one line: the gate's journal key."""
        return self.keys / "journal.key"

    @property
    def journal_signing_key_file(self) -> Path:
        """PEM, Ed25519: the gate signs the entries that it writes."""
        return self.keys / "journal-signing.pem"

    @property
    def journal_log_key_file(self) -> Path:
        """PEM, Ed25519: signs the heads of the journal's tree."""
        return self.keys / "journal-log.pem"

    @property
    def request_state_key_file(self) -> Path:
        """32 random bytes, base64 on one line: seals the request state that the gate hands to clients."""
        return self.keys / "request-state.key"

    @property
    def agent_secret_file(self) -> Path:
        """The client secret of the demo agent at the issuer, one line."""
        return self.keys / "agent.secret"

    @property
    def console_secret_file(self) -> Path:
        """The client secret of the web console at the issuer, one line."""
        return self.keys / "console.secret"

    @property
    def control_secret_file(self) -> Path:
        """Opens the look-alike's own `/_sandbox/` addresses, one line."""
        return self.keys / "control.secret"

    @property
    def warehouse_directory(self) -> Path:
        """The look-alike's DuckDB files and its log of statements."""
        return self.home / "snowflake"

    @property
    def query_log_file(self) -> Path:
        """JSON lines: every statement that reached the look-alike."""
        return self.home / "queries.jsonl"

    @property
    def env_file(self) -> Path:
        """`NAME=value` lines: what `snowgate serve` needs to run against this sandbox."""
        return self.home / "snowgate.env"

    @property
    def logs(self) -> Path:
        """What the sandbox's processes print."""
        return self.home / "logs"

    @property
    def issuer_url(self) -> str:
        """The issuer identifier, `iss` in its tokens (RFC 8414 section 2): no trailing slash."""
        return f"http://{LOOPBACK}:{self.ports.issuer}"

    @property
    def resource_url(self) -> str:
        """The gate's resource identifier, `aud` in tokens for it (RFC 8707)."""
        return f"http://{LOOPBACK}:{self.ports.gate}/mcp"

    @property
    def console_url(self) -> str:
        """Where a browser finds the gate's web console."""
        return f"http://{LOOPBACK}:{self.ports.gate}/console"

    def secret(self, file: Path) -> str:
        """Return the one line that a secret file holds."""
        return file.read_text(encoding="ascii").strip()


def default_home() -> Path:
    """Return the state directory that is meant when none is named: `$SNOWGATE_HOME`, else `.snowgate` here."""
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute()


def load_state(home: Path) -> SandboxState:
    """Read an existing state directory.

    Raises SandboxError `sandbox_not_found` if there is none, `sandbox_state_broken` if it cannot be understood.
    """
    file = home / STATE_FILE
    try:
        facts = _StateFile.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise SandboxError(
            "sandbox_not_found", f"there is no sandbox in `{home}`", "start one with `snowgate sandbox`"
        ) from None
    except ValidationError:
        raise SandboxError(
            "sandbox_state_broken",
            f"`{file}` is not a sandbox's state",
            "remove the directory to start afresh; its data and keys are then lost",
        ) from None
    return SandboxState(home.absolute(), facts.ports)


def open_state(home: Path) -> SandboxState:
    """Return the state in `home`, making what is missing.

    Safe to repeat, also after a crash half-way: each file is written whole or not at all, `sandbox.json` last.
    """
    home = home.absolute()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    state = load_state(home) if (home / STATE_FILE).exists() else SandboxState(home, _free_ports())
    for directory in (state.keys, state.logs):
        directory.mkdir(mode=0o700, exist_ok=True)
    for file, make in _secrets(state).items():
        if not file.exists():
            write_atomically(file, make())
    if not (home / STATE_FILE).exists():
        write_atomically(home / STATE_FILE, _StateFile(ports=state.ports).model_dump_json(indent=2).encode() + b"\n")
    return state


def write_atomically(file: Path, content: bytes) -> None:
    """Replace `file` by one of mode 0600 with this content; a crash leaves the old file or the new one."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _secrets(state: SandboxState) -> dict[Path, Callable[[], bytes]]:
    return {
        state.issuer_key_file: lambda: _pem(ec.generate_private_key(ec.SECP256R1())),
        state.lease_key_file: lambda: _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        state.broker_key_file: lambda: _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        state.journal_key_file: _random_line,
        state.journal_signing_key_file: lambda: _pem(ed25519.Ed25519PrivateKey.generate()),
        state.journal_log_key_file: lambda: _pem(ed25519.Ed25519PrivateKey.generate()),
        state.request_state_key_file: _random_line,
        state.agent_secret_file: _random_line,
        state.console_secret_file: _random_line,
        state.control_secret_file: _random_line,
    }


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _random_line() -> bytes:
    return base64.b64encode(secrets.token_bytes(32)) + b"\n"


def _free_ports() -> Ports:
    # Below the range from which kernels take the ports of outgoing connections: what is free today stays free.
    # All three are held open together, so that none is chosen twice.
    with ExitStack() as held:
        chosen: list[int] = []
        while len(chosen) < len(Ports.model_fields):
            candidate = 20_000 + secrets.randbelow(10_000)
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            try:
                listener.bind((LOOPBACK, candidate))
            except OSError:
                continue
            chosen.append(candidate)
    return Ports(**dict(zip(Ports.model_fields, chosen, strict=True)))
