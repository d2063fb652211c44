"""Decisions that are in the journal, so that what was cleared may leave."""


async def decided() -> None:
    """The journal holds it."""
