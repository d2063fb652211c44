"""Names that columns of personal data and secrets often have, in English; each is a proposal and no proof.

What it does not know is not thereby harmless: a column that no classification knows is secret all the same.
"""

import re
from collections.abc import Mapping

KINDS: Mapping[str, tuple[str, ...]] = {
    "credential": ("*PASSWORD*", "*PASSWD*", "*SECRET*", "*TOKEN*", "*API*KEY*", "*PRIVATE*KEY*"),
    "national-id": ("*SSN*", "*SOCIAL*SECURITY*", "*PASSPORT*", "*NATIONAL*ID*", "*TAX*ID*", "*DRIVER*LICEN*"),
    "payment": ("*IBAN*", "*CARD*NUMBER*", "*CREDIT*CARD*", "*ACCOUNT*NUMBER*", "*ROUTING*NUMBER*", "*CVV*"),
    "health": ("*DIAGNOS*", "*MEDICAL*", "*HEALTH*", "*DISABILIT*", "*BLOOD*"),
    "person-trait": ("*GENDER*", "SEX", "*RELIGIO*", "*ETHNIC*", "*RACE", "*MARITAL*", "*NATIONALITY*"),
    "birth-date": ("*BIRTH*", "DOB", "*_DOB", "DOB_*"),
    "email": ("*EMAIL*", "*E_MAIL*"),
    "phone": ("*PHONE*", "*MOBILE*", "*FAX*"),
    "person-name": (
        "*FIRST*NAME*", "*LAST*NAME*", "*FULL*NAME*", "*MIDDLE*NAME*", "*GIVEN*NAME*", "*FAMILY*NAME*", "*SURNAME*",
        "*MAIDEN*", "*CONTACT*NAME*", "*EMPLOYEE*NAME*", "*CUSTOMER*NAME*",
    ),
    "address": ("*ADDRESS*", "*STREET*", "*POSTCODE*", "*POSTAL*", "*ZIP*CODE*", "ZIP"),
    "location": ("*LATITUDE*", "*LONGITUDE*", "*GEO*"),
    "device": ("IP", "*_IP", "IP_*", "*MAC_ADDR*", "*DEVICE*ID*", "*COOKIE*"),
    "pay": ("*SALARY*", "*WAGE*", "*INCOME*", "*BONUS*", "*COMPENSATION*"),
    "free-text": ("*NOTES*", "*COMMENT*", "*DESCRIPTION*", "*MESSAGE*", "*REMARK*", "*FEEDBACK*", "*TRANSCRIPT*"),
}  # fmt: skip
"""Kinds by name, each with the patterns of its columns' names; `*` is any text."""


def kind_of(name: str) -> str | None:
    """The first kind whose names a column's `name`, in any case, is like."""
    return next((kind for kind, meant in _MEANT.items() if meant.fullmatch(name.upper())), None)


_MEANT = {
    kind: re.compile("|".join(".*".join(re.escape(part) for part in each.split("*")) for each in patterns), re.DOTALL)
    for kind, patterns in KINDS.items()
}
