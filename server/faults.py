"""Why a token proves nobody: for the journal and the operator.

The caller is told `unauthenticated` and one sentence.
"""

from enum import StrEnum


class Fault(StrEnum):
    """What was wrong with a token, with its proof of possession, or with the way that they were sent."""

    MISSING = "missing"
    REQUEST = "request"
    """Two tokens, or a scheme that is not the token's."""
    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    """Not three parts of base64url over JSON objects whose members are named once (RFC 7515, 7519, 8725)."""
    ALGORITHM = "algorithm"
    HEADER = "header"
    """A header that would change how the token is read, or bring its own key (RFC 8725 section 3.10)."""
    ISSUER = "issuer"
    KEYS = "keys"
    """The issuer's keys, or its answer, cannot be had."""
    SIGNATURE = "signature"
    TYPE = "type"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    TIME = "time"
    """Not yet valid, issued in the future, or times that are no NumericDate."""
    SUBJECT = "subject"
    CLIENT = "client"
    ACTOR = "actor"
    GROUPS = "groups"
    """Groups that the token does not carry whole: without them a rule that forbids could be missed."""
    CLAIMS = "claims"
    INACTIVE = "inactive"
    """The issuer says so (RFC 7662)."""
    BINDING = "binding"
    """The token is bound to a key that was not shown, or should be bound and is not (RFC 9449)."""
    PROOF = "proof"
    """The DPoP proof is not one for this request and this token."""
    REPLAYED = "replayed"
