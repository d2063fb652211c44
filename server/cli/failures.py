"""Every failure that a command tells as a code and a sentence; any other is a fault of ours, and shows its trace."""

from audit.erasing import ErasureRefused
from audit.note import BadKey
from audit.reading import Tampered
from audit.retention import RetentionRefused
from audit.unavailable import JournalUnavailable
from policy.document import PolicyDocumentError
from policy.refusal import PolicyRefusal
from server.cli.client_configs import NoSuchConfiguration
from server.config import SettingsError
from server.database import NoDatabase
from server.refusals import Refusal
from server.sandbox.postgres import PostgresNotStarted
from server.sandbox.state import SandboxError
from server.shipping import Undelivered
from tools.manifest import ManifestMismatch

FAILURES: tuple[type[Exception], ...] = (
    BadKey,
    JournalUnavailable,
    ManifestMismatch,
    NoDatabase,
    NoSuchConfiguration,
    PolicyDocumentError,
    PolicyRefusal,
    Refusal,
    ErasureRefused,
    Undelivered,
    RetentionRefused,
    Tampered,
    PostgresNotStarted,
    SandboxError,
    SettingsError,
)
