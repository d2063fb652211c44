"""One meaning a word: what the house does not say, and what it says instead. docs/GLOSSARY.md defines the words."""

import re
from dataclasses import dataclass

_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Banned:
    """A pattern that must not occur, and its replacement. What `meant` matches is another word and may stay."""

    pattern: str
    say: str
    meant: str = r"\A\Z(?!)"
    only_outside: tuple[str, ...] = ()


BANNED = (
    Banned(
        r"(?<![A-Za-z])[Gg]rant(s|ed|ing)?(?![a-z])",
        "permit, lease, approval or scope; GRANT is Snowflake's, in upper case",
        meant=r"grant_types?|invalid_grant",  # RFC 6749's parameter and error
    ),
    Banned(
        r"[Pp]ermissions?(?![a-z])",
        "rule or decision; scope for OAuth's; privilege for Snowflake's",
        meant=r"PermissionError|PermissionException|unix_socket_permissions",
    ),
    Banned(r"(?i)(white|black)-?list", "allow-list, or a list of what is refused"),
    Banned(r"(?i)\b(allow|deny) rules?\b", "permit rule or forbid rule: an effect is what a rule says"),
    Banned(r"(?i)\bpolicy[- ]engine\b", "policy; the class is Engine"),
    Banned(r"(?i)\baudit[- ](log|trail)\b", "journal"),
    Banned(r"(?i)\bgateway\b", "gate", meant=r"mcp-contextforge-gateway"),  # a peer's name
    Banned(r"(?i)\bguardrails?\b", "rule"),
    Banned(
        r"(?i)sanitis|sanitiz|anonymis|anonymiz", "mask or refuse", meant=r"SANITIZE_WEBHOOK_CONTENT"
    ),  # Snowflake's
    Banned(r"(?i)\bend[- ]users?\b", "person, or principal once proven"),
    Banned(
        r"[Cc]heckpoint",
        "a word for the journal's signed heads alone (C2SP)",
        only_outside=(
            "audit/",
            "docs/",
            "server/cli/",
            "server/console/journal.py",
            "server/evidence.py",
            "server/migrations/",
            "server/proving.py",
            "server/rights.py",
            "server/sandbox/privileges.py",
            "tests/journal/",
            "tests/bench/",
        ),
    ),
    Banned(
        r"class (Session|Role|Warehouse|Resource|User|Scope|Grant|Context|Manager|Helper)\b",
        "a name that says whose: SnowflakeSession, McpSession, SnowflakeRole",
        only_outside=("server/sandbox/",),  # the look-alike's world has one of each, Snowflake's
    ),
    Banned(r"from sqlglot[.\w]* import [^\n]*\bScope\b(?! as sql_scope)", "sql_scope; Scope is OAuth's"),
    Banned(
        r"(?i)\b(seamless|robust|powerful|blazing|effortless|enterprise-grade|world-class|best-in-class)(ly)?\b",
        "what a test or a command shows",
    ),
)


def complaints(name: str, text: str) -> list[str]:
    """The banned words in the file called `name`; in Markdown, code is quoted and may hold any word."""
    said = _CODE.sub(_blank, text) if name.endswith(".md") else text
    return [
        f"{name}:{said.count(chr(10), 0, match.start()) + 1}: `{match[0]}`: say {banned.say}"
        for banned in BANNED
        if not name.startswith(banned.only_outside or ("\0",))
        for match in re.finditer(banned.pattern, re.sub(banned.meant, _blank, said))
    ]


def _blank(match: re.Match[str]) -> str:
    """As long as what was matched, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", match[0])
