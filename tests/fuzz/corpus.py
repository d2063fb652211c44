"""The inputs that are kept for each target: a file each, named by its hash."""

import hashlib
from pathlib import Path

HERE = Path(__file__).parent / "corpus"
NAMES = ("statement", "template", "token", "canonical", "state")


def inputs(name: str) -> list[Path]:
    """What is kept for a target."""
    return sorted((HERE / name).iterdir())


def keep(name: str, data: bytes) -> Path:
    """Keep one more input."""
    path = HERE / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
