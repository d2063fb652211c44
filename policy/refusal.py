"""A statement that policy turns away before any rule is asked: what happened, where, and what to do instead."""

from enum import StrEnum


class PolicyCode(StrEnum):
    """Stable codes of policy's refusals; docs/REFUSALS.md has an entry for each."""

    EMPTY_STATEMENT = "empty_statement"
    STATEMENT_TOO_LONG = "statement_too_long"
    STATEMENT_TOO_DEEP = "statement_too_deep"
    NOT_ONE_STATEMENT = "not_one_statement"
    SYNTAX_ERROR = "syntax_error"
    UNFAITHFUL_PRINT = "unfaithful_print"
    STATEMENT_NOT_ALLOWED = "statement_not_allowed"
    CONSTRUCT_NOT_ALLOWED = "construct_not_allowed"
    FUNCTION_NOT_ALLOWED = "function_not_allowed"
    OBJECT_NOT_FOUND = "object_not_found"
    COLUMN_NOT_FOUND = "column_not_found"
    WRONG_TOOL = "wrong_tool"
    BAD_PARAMETERS = "bad_parameters"
    BAD_CURSOR = "bad_cursor"
    NOT_PERMITTED = "not_permitted"
    FORBIDDEN = "forbidden"
    MASKED_VALUE = "masked_value"


class PolicyRefusal(Exception):
    """A statement that cannot be judged, or that names what the caller cannot see.

    `message` is one lower-case clause that quotes the caller's text in backticks and nothing else; `hint` says to a
    model what would be accepted. `at` is the 0-based offset of the offending piece in the caller's own text, if known.
    """

    retryable = False

    def __init__(self, code: PolicyCode, message: str, hint: str, at: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.at = at
