"""Files that the policy commands read."""

import json
from pathlib import Path

from policy.catalog import Catalog
from policy.catalog_document import from_document
from policy.document import PolicyDocumentError
from server.config import SettingsError


def read_catalog(path: Path) -> Catalog:
    """The catalog in the JSON file at `path`.

    Raises:
        SettingsError: it cannot be read as one.
    """
    try:
        return from_document(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(f"no catalog can be read from {path}: {type(error).__name__}") from None
    except PolicyDocumentError as error:
        raise SettingsError(f"{path}: {error}", error.hint) from None
