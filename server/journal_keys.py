"""The journal's keys as the settings name them: what seals, what signs, and whom a verifier should trust."""

import hashlib
from pathlib import Path

from audit.note import BadKey, PublicKey, Signer
from audit.sealing import Sealer
from server.config import Settings, SettingsError

KEY_BYTES_MIN = 32


def read_key(path: Path) -> bytes:
    """The secret in a key file.

    Raises:
        SettingsError: it cannot be read, or is shorter than 32 bytes.
    """
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"no key can be read from {path}: {error.strerror}") from None
    if len(key) < KEY_BYTES_MIN:
        raise SettingsError(f"the key in {path} is too short: at least {KEY_BYTES_MIN} bytes are needed")
    return key


def sealer_of(settings: Settings) -> Sealer:
    """The journal's sealer, with the key that is in force.

    Raises:
        SettingsError: the key file cannot be read.
    """
    key = read_key(settings.journal_key_file)
    key_id = hashlib.sha256(b"snowgate key id" + key).hexdigest()[:8]
    return Sealer(key, key_id, settings.tenant, () if settings.journal_keeps_statements else ("inputs",))


def signer_of(settings: Settings) -> Signer:
    """The key that this process signs its batches of entries with.

    Raises:
        SettingsError: the key file cannot be read, or holds no Ed25519 key.
    """
    return read_signer(settings.journal_signing_key_file, f"{settings.journal_origin}/writer")


def log_signer_of(settings: Settings) -> Signer | None:
    """The key that signs heads of the tree, where this process may do so.

    Raises:
        SettingsError: the key file cannot be read, or holds no Ed25519 key.
    """
    file = settings.journal_log_key_file
    return None if file is None else read_signer(file, settings.journal_origin)


def log_key_of(settings: Settings) -> PublicKey:
    """The public key that heads of the tree are verified with.

    Raises:
        SettingsError: there is none in these settings.
    """
    signer = log_signer_of(settings)
    if signer is None:
        raise SettingsError("SNOWGATE_JOURNAL_LOG_KEY_FILE is not set", "proofs are against heads that its key signs")
    return signer.public


def read_signer(path: Path, name: str, kind: int = 1) -> Signer:
    """The Ed25519 key in the PEM file at `path`, under this name.

    Raises:
        SettingsError: it cannot be read, or holds no such key.
    """
    try:
        return Signer.from_pem(name, path.read_bytes(), kind)
    except OSError as error:
        raise SettingsError(f"no key can be read from {path}: {error.strerror}") from None
    except BadKey as error:
        raise SettingsError(f"{path}: {error}", error.hint) from None


def trust_of(settings: Settings) -> str:
    """The lines that a verifier needs: hand them over by another way than the database.

    Raises:
        SettingsError: a key file cannot be read.
    """
    log = log_signer_of(settings)
    lines = [f"log {log.public}"] if log else []
    lines += [f"writer {signer_of(settings).public}"]
    lines += [f"witness {told.partition(' ')[0]}" for told in settings.journal_witnesses]
    return "".join(f"{line}\n" for line in lines)
