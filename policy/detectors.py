"""Kinds of content that a result can be scanned for.

The scan is a net for what nobody classified, never the mechanism: whoever writes a value backwards passes it.
"""

from enum import StrEnum


class Detector(StrEnum):
    """What a text can look like."""

    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    CARD = "card"
    SSN = "ssn"
    API_KEY = "api_key"
    JWT = "jwt"
