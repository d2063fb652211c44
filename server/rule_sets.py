"""The rule sets that a policy may include: those that ship, and those in the folder `rule_sets` beside the policy."""

from pathlib import Path

from server.config import SettingsError
from tools.manifest import MANIFESTS

FOLDER = "rule_sets"
SHIPPED = MANIFESTS / "policies" / FOLDER


def read_rule_sets(beside: Path) -> dict[str, str]:
    """The text of every rule set by name, for a policy in the folder `beside`.

    Raises:
        SettingsError: one cannot be read, or has the name of one that ships.
    """
    texts = _texts(SHIPPED)
    if (beside / FOLDER).resolve() != SHIPPED.resolve():
        own = _texts(beside / FOLDER)
        for name in own.keys() & texts.keys():
            raise SettingsError(f"the rule set `{name}` ships with snowgate", f"call {beside / FOLDER}'s otherwise")
        texts |= own
    return texts


def _texts(folder: Path) -> dict[str, str]:
    try:
        return {
            path.stem: path.read_text(encoding="utf-8")
            for path in sorted(folder.glob("*.yaml"))
            if not path.stem.endswith(".test")
        }
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"no rule set can be read from {folder}: {type(error).__name__}") from None
