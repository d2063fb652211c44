"""A CRM that a newcomer believes: people, orders, support tickets with notes, and staff with salaries.

Made from lists and one seeded generator, so that every sandbox on every machine holds the same rows. Nobody in it
exists: mail domains are reserved (RFC 2606), phone numbers come from ranges set aside for fiction, card numbers are
the payment networks' published test numbers.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from server.sandbox.crm_notes import CARDS, NOTES, SUBJECTS
from server.sandbox.crm_people import COUNTRIES, DEPARTMENTS, Country

SEED = 20_261_031
TODAY = date(2026, 10, 31)
CUSTOMERS = 500
ORDERS = 3_000
TICKETS = 400
EMPLOYEES = 80

Row: TypeAlias = tuple[str | None, ...]
"""Values as text, None for NULL; DuckDB reads them by the column's type."""


@dataclass(frozen=True, slots=True)
class _Customer:
    number: int
    name: str
    email: str
    phone: str
    country: Country
    segment: str
    since: date


def generate() -> dict[str, list[Row]]:
    """Return the rows of CUSTOMERS, ORDERS, TICKETS and EMPLOYEES, in the order of their columns."""
    dice = random.Random(SEED)  # noqa: S311  # sample data, not secrets
    people = _customers(dice)
    orders = _orders(dice, people)
    return {
        "CUSTOMERS": [_customer_row(dice, person, orders) for person in people],
        "ORDERS": orders,
        "TICKETS": _tickets(dice, people, orders),
        "EMPLOYEES": _employees(dice),
    }


def _customers(dice: random.Random) -> list[_Customer]:
    taken: set[str] = set()
    people = []
    weights = [country.weight for country in COUNTRIES]
    for number in range(1_001, 1_001 + CUSTOMERS):
        country = dice.choices(COUNTRIES, weights)[0]
        first, last = dice.choice(country.first_names), dice.choice(country.last_names)
        people.append(
            _Customer(
                number=number,
                name=f"{first} {last}",
                email=_address(dice, first, last, dice.choice(country.mail_domains), taken),
                phone=_phone(dice, country),
                country=country,
                segment=dice.choices(("CONSUMER", "SMALL_BUSINESS", "ENTERPRISE"), (70, 22, 8))[0],
                since=TODAY - timedelta(days=dice.randint(20, 1_400)),
            )
        )
    return people


def _customer_row(dice: random.Random, person: _Customer, orders: Sequence[Row]) -> Row:
    paid = sum(float(order[4] or 0) for order in orders if order[1] == str(person.number))
    forecast = _money(paid * dice.uniform(1.1, 2.6))
    return (
        str(person.number),
        person.name,
        person.email,
        person.phone if dice.random() > 0.06 else None,
        person.country.code,
        person.country.region,
        person.segment,
        _moment(dice, person.since),
        forecast,
    )


def _orders(dice: random.Random, people: Sequence[_Customer]) -> list[Row]:
    # Few customers order much: weights fall as Zipf's law has it.
    weights = [1 / (1 + dice.randint(0, 60)) for _ in people]
    typical = {"CONSUMER": 70.0, "SMALL_BUSINESS": 420.0, "ENTERPRISE": 3_800.0}
    drawn = []
    for buyer in dice.choices(people, weights, k=ORDERS):
        age = (TODAY - buyer.since).days
        drawn.append((buyer.since + timedelta(days=int(age * dice.random())), buyer))
    drawn.sort(key=lambda each: (each[0], each[1].number))
    return [
        (
            str(50_001 + place),
            str(buyer.number),
            day.isoformat(),
            _order_status(dice, day),
            _money(typical[buyer.segment] * dice.lognormvariate(0, 0.7)),
            buyer.country.currency,
        )
        for place, (day, buyer) in enumerate(drawn)
    ]


def _order_status(dice: random.Random, day: date) -> str:
    age = (TODAY - day).days
    if age < 10:
        return dice.choice(("OPEN", "PAID", "SHIPPED"))
    return dice.choices(("DELIVERED", "RETURNED", "CANCELLED", "PAID"), (86, 6, 5, 3))[0]


def _tickets(dice: random.Random, people: Sequence[_Customer], orders: Sequence[Row]) -> list[Row]:
    by_customer: dict[str, list[str]] = {}
    for order in orders:
        by_customer.setdefault(str(order[1]), []).append(str(order[0]))
    drawn = [
        (TODAY - timedelta(days=int((TODAY - person.since).days * dice.random() ** 2)), person)
        for person in dice.choices(people, k=TICKETS)
    ]
    drawn.sort(key=lambda each: (each[0], each[1].number))
    return [
        _ticket(dice, str(9_001 + place), day, person, by_customer.get(str(person.number), []))
        for place, (day, person) in enumerate(drawn)
    ]


def _ticket(dice: random.Random, number: str, day: date, person: _Customer, orders: Sequence[str]) -> Row:
    topic = dice.choice(tuple(NOTES))
    facts = {
        "name": person.name,
        "first": person.name.split()[0],
        "email": person.email,
        "phone": person.phone,
        "order": dice.choice(orders) if orders else "not found",
        "card": dice.choice(CARDS),
        "street": f"{dice.choice(person.country.streets)} {dice.randint(1, 140)}",
        "city": dice.choice(person.country.cities),
        "day": (day + timedelta(days=dice.randint(1, 9))).isoformat(),
        "amount": f"{_money(dice.uniform(12, 480))} {person.country.currency}",
    }
    is_recent = (TODAY - day).days < 21
    status = dice.choice(("NEW", "OPEN", "WAITING")) if is_recent else dice.choices(("CLOSED", "WAITING"), (95, 5))[0]
    return (
        number,
        str(person.number),
        _moment(dice, day),
        status,
        dice.choices(("LOW", "NORMAL", "HIGH", "URGENT"), (20, 55, 19, 6))[0],
        SUBJECTS[topic].format(**facts),
        None if status == "NEW" else dice.choice(NOTES[topic]).format(**facts),
    )


def _employees(dice: random.Random) -> list[Row]:
    taken: set[str] = set()
    rows: list[Row] = []
    heads: dict[str, str] = {}
    for place in range(EMPLOYEES):
        number = str(101 + place)
        department, title, pay = _post(dice, place)
        country = dice.choices(COUNTRIES, [each.weight for each in COUNTRIES])[0]
        first, last = dice.choice(country.first_names), dice.choice(country.last_names)
        manager = heads.get(department, "101")
        heads.setdefault(department, number)
        hired = TODAY - timedelta(days=dice.randint(40, 3_600))
        rows.append(
            (
                number,
                f"{first} {last}",
                _address(dice, first, last, "snowfield.example", taken),
                _phone(dice, country) if dice.random() > 0.1 else None,
                department,
                title,
                _money(round(pay * dice.uniform(0.88, 1.18), -2)),
                hired.isoformat(),
                None if place == 0 else manager,
            )
        )
    return rows


def _post(dice: random.Random, place: int) -> tuple[str, str, float]:
    """Return department, title and usual pay; the first of each department leads it."""
    if place == 0:
        return "Management", "Managing Director", 185_000.0
    if place <= len(DEPARTMENTS):
        department = DEPARTMENTS[place - 1]
        return department.name, f"Head of {department.name}", department.head_pay
    department = dice.choices(DEPARTMENTS, [each.weight for each in DEPARTMENTS])[0]
    title, pay = dice.choice(department.posts)
    return department.name, title, pay


def _address(dice: random.Random, first: str, last: str, domain: str, taken: set[str]) -> str:
    local = dice.choice(("{first}.{last}", "{first}.{last}", "{initial}{last}", "{first}{last}"))
    local = local.format(first=_ascii(first), last=_ascii(last), initial=_ascii(first)[0])
    address, number = f"{local}@{domain}", 1
    while address in taken:
        number += 1
        address = f"{local}{number}@{domain}"
    taken.add(address)
    return address


_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ê": "e", "ë": "e", "ç": "c", "ñ": "n", "å": "a",
     "í": "i", "á": "a", "ó": "o", "ú": "u", "ï": "i", "ł": "l", "ń": "n", "ą": "a", "ę": "e", "ż": "z", "ś": "s",
     "ø": "o", "ã": "a", "õ": "o", "'": "", " ": "", "-": ""}
)  # fmt: skip


def _ascii(name: str) -> str:
    return name.lower().translate(_LETTERS)


def _phone(dice: random.Random, country: Country) -> str:
    return "".join(str(dice.randint(0, 9)) if each == "#" else each for each in dice.choice(country.phones))


def _moment(dice: random.Random, day: date) -> str:
    at = time(dice.randint(6, 21), dice.randint(0, 59), dice.randint(0, 59))
    return datetime.combine(day, at).isoformat(sep=" ")


def _money(amount: float) -> str:
    return f"{amount:.2f}"
