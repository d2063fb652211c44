"""Who exists in the sandbox: the people behind agents with their groups, and the agent that acts for them."""

from dataclasses import dataclass

AGENT = "demo-agent"
CONSOLE = "snowgate-console"
SCOPES = ("snowgate:read", "snowgate:write", "snowgate:approve")


@dataclass(frozen=True, slots=True)
class Person:
    """A person: `name` is the token's subject, and in upper case the login name in Snowflake."""

    name: str
    full_name: str
    groups: tuple[str, ...]


PEOPLE = {
    person.name: person
    for person in (
        Person("ada", "Ada Lind", ("analysts",)),
        Person("emil", "Emil Roth", ("analysts", "analysts-emea")),
        Person("stella", "Stella Moreau", ("stewards",)),
        Person("sofia", "Sofia Marin", ("stewards",)),
        Person("arthur", "Arthur Webb", ("auditors",)),
    )
}
