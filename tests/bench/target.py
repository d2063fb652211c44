"""What is measured: something that runs a burst of queries, with so many in flight."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from tests.bench.cases import Query


class WrongAnswer(Exception):
    """A target refused, failed or answered something else; a figure for that would mean nothing."""


class Answer(NamedTuple):
    """One right answer: how long it took from the request to the last byte, and how many bytes it had."""

    elapsed_s: float
    size_bytes: int


class Target(Protocol):
    """The bare driver, the floor or snowgate."""

    name: str

    async def burst(self, queries: Iterator[Query], in_flight: int) -> list[Answer]:
        """Run `queries` to their end with `in_flight` at a time.

        Raises:
            WrongAnswer: any of them was not answered right.
        """
        ...
