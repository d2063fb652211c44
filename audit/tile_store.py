"""Tiles in PostgreSQL: read as much of the tree as is needed, and write what has grown."""

from collections.abc import Collection, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from audit.tiles import HASH_BYTES, WIDTH, TileId, Tiles, edge

_SELECT = text("""
    select level, index as number, hashes from journal.tile
    where (level, index) in (select * from unnest(cast(:levels as int[]), cast(:indexes as bigint[])))
""")
_UPSERT = text("""
    insert into journal.tile (level, index, hashes) values (:level, :index, :hashes)
    on conflict (level, index) do update set hashes = excluded.hashes
""")


async def load_tiles(connection: AsyncConnection, size: int, ids: Collection[TileId]) -> Tiles:
    """The tree of `size` as far as these tiles hold it; no tile holds more than that tree has."""
    sought = {"levels": [at.level for at in ids], "indexes": [at.number for at in ids]}
    rows = (await connection.execute(_SELECT, sought)).all() if ids else []
    found = {TileId(row.level, row.number): bytes(row.hashes) for row in rows}
    return Tiles(size, {at: hashes[: _bytes(at, size)] for at, hashes in found.items()})


async def load_edge(connection: AsyncConnection, size: int) -> Tiles:
    """The tree of `size`, ready to grow."""
    return await load_tiles(connection, size, edge(size))


async def save_tiles(connection: AsyncConnection, tiles: Mapping[TileId, bytes]) -> None:
    """Write these tiles over what was there."""
    rows = [{"level": at.level, "index": at.number, "hashes": hashes} for at, hashes in tiles.items()]
    await connection.execute(_UPSERT, rows)


def _bytes(at: TileId, size: int) -> int:
    """How long a tile is in the tree of `size`."""
    return min(WIDTH, (size >> 8 * at.level) - at.number * WIDTH) * HASH_BYTES
