"""Refuses to start when the files that would run are not ours.

Our packages have common names (`tools`, `policy`), and a wheel that ships the same ones would overwrite them without a
word. So: the four packages lie beside each other, and in an installed copy every file has the hash that our own wheel
recorded (RECORD, https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
"""

import base64
import hashlib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "snowgate"
PACKAGES = ("server", "tools", "policy", "audit", "manifests")


class NotOurs(Exception):
    """Some of the files that would run did not come with snowgate."""

    code = "not_ours"


def check() -> None:
    """Pass, or raise.

    Raises:
        NotOurs: a package lies elsewhere than its siblings, or a file is not the one that was installed.
    """
    home = Path(__file__).resolve().parents[1]
    for package in ("tools", "policy", "audit"):
        spec = find_spec(package)  # looked up and not imported: a stranger's code must not get to run
        found = Path(spec.origin).resolve().parents[1] if spec and spec.origin else None
        if found != home:
            raise NotOurs(f"`{package}` would be loaded from {found} and not from {home}; install snowgate by itself")
    try:
        changed = _changed(distribution(DISTRIBUTION), home)
    except PackageNotFoundError:
        return  # a checkout on the path; there is no record to hold it against
    if changed:
        raise NotOurs(
            f"{changed[0]} is not the file that snowgate installed; reinstall it in an environment of its own"
        )


def _changed(installed: Distribution, home: Path) -> list[str]:
    """Files of ours that differ from what the wheel recorded; an editable install records none of them."""
    return [
        str(file)
        for file in installed.files or ()
        if file.parts[0] in PACKAGES and file.hash is not None and _digest(home / file) != file.hash.value
    ]


def _digest(path: Path) -> str:
    try:
        return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    except OSError:
        return ""
