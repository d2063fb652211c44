"""The policy that a file and the rule sets beside it say."""

from pathlib import Path

from policy.document import PolicyDocumentError, load
from policy.rulebook import Policy
from server.config import SettingsError
from server.rule_sets import read_rule_sets


def read_policy(path: Path) -> Policy:
    """The policy in the YAML file at `path`.

    Raises:
        SettingsError: there is no such file, or it is not a policy; with line and column.
    """
    try:
        return load(path.read_text(encoding="utf-8"), read_rule_sets(path.parent))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"no policy can be read from {path}: {type(error).__name__}") from None
    except PolicyDocumentError as error:
        raise SettingsError(f"{path}: {error}", error.hint) from None
