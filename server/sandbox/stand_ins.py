"""Stand-ins for two modules that snowflake-connector-python 5 no longer has and fakesnow 0.12 still imports.

fakesnow uses them for parameters that are written into the SQL text on the client's side and for uploads, neither of
which the look-alike offers; they exist so that the import succeeds. Never installed in the gate's own process.
"""

import sys
import types

import snowflake.connector


class SnowflakeConverter:
    """Named by fakesnow's cursor at creation; binds reach the look-alike as binds, so nothing is ever converted."""

    def to_snowflake(self, value: object) -> object:
        """Refuse: no value may become SQL text here."""
        raise NotImplementedError("client-side parameters")

    escape = quote = to_snowflake


class SnowflakeFileUtil:
    """Named by fakesnow's upload; the look-alike takes no files."""

    @staticmethod
    def compress_file_with_gzip(source: str, directory: str) -> tuple[str, int]:
        """Refuse: there are no uploads."""
        raise NotImplementedError("PUT")


def install() -> None:
    """Put the stand-ins where `import fakesnow` looks for them; must come before that import."""
    for name, member in (("converter", SnowflakeConverter), ("file_util", SnowflakeFileUtil)):
        module = types.ModuleType(f"snowflake.connector.{name}")
        setattr(module, member.__name__, member)
        sys.modules.setdefault(module.__name__, module)
        setattr(snowflake.connector, name, sys.modules[module.__name__])
