"""What is changed through one replica is read anew by all, at most so often, and by nobody twice for its own news."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from server.catalog_news import CHANNEL, CatalogNews
from server.database import open_engine
from tests.support.databases import driver_dsn
from tests.support.watching import eventually


@dataclass
class Replica:
    """One that hears, and counts how often it looked at the catalog."""

    engine: AsyncEngine
    looks: int = 0
    news: CatalogNews = field(init=False)

    def __post_init__(self) -> None:
        self.news = CatalogNews(self.engine, self.look, apart_s=0.2)

    async def look(self) -> None:
        self.looks += 1


@asynccontextmanager
async def replicas(url: str, count: int) -> AsyncIterator[list[Replica]]:
    """So many of them, each of which listens."""
    async with open_engine(url) as engine, anyio.create_task_group() as tasks:
        made = [Replica(engine) for _ in range(count)]
        for each in made:
            tasks.start_soon(each.news.hear_forever)
        await eventually(lambda: listeners(url) == count)
        yield made
        tasks.cancel_scope.cancel()


def listeners(url: str) -> int:
    with psycopg.connect(driver_dsn(url)) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'snowgate catalog' and query like 'LISTEN%'"
            " and datname = current_database()"
        ).fetchone()
    return int(row[0]) if row else 0


async def test_a_change_at_one_replica_is_read_by_every_other(database_url: str) -> None:
    async with replicas(database_url, 3) as (here, there, elsewhere):
        await here.news.spread()
        await eventually(lambda: (there.looks, elsewhere.looks) == (1, 1))
        await there.news.spread()
        await eventually(lambda: (here.looks, elsewhere.looks) == (2, 2))
        assert there.looks == 2


async def test_many_news_at_once_are_few_looks(database_url: str) -> None:
    async with replicas(database_url, 1) as (replica,):
        with psycopg.connect(driver_dsn(database_url), autocommit=True) as stranger:
            for number in range(200):
                stranger.execute("select pg_notify(%s, %s)", (CHANNEL, str(number)))
            await eventually(lambda: replica.looks >= 1)
            await replica.news.spread()  # its own, of which it hears nothing
            await eventually(lambda: listeners(database_url) == 1)
        assert replica.looks <= 4


async def test_a_replica_that_lost_its_connection_listens_again(database_url: str) -> None:
    async with replicas(database_url, 2) as (here, there):
        with psycopg.connect(driver_dsn(database_url), autocommit=True) as operator:
            operator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'snowgate catalog'"
                " and datname = current_database()"
            )
        await eventually(lambda: listeners(database_url) == 2, within_s=20)
        await here.news.spread()
        await eventually(lambda: there.looks == 1)


async def test_a_change_is_read_here_although_nobody_can_be_told(free_tcp_port: int) -> None:
    async with open_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_tcp_port}/nothing") as engine:
        replica = Replica(engine)
        await replica.news.spread()
        assert replica.looks == 1
