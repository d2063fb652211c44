"""HTTP until stopped: by a signal, or, for one of several workers, by the end of its supervisor."""

import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from socket import socket
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from server.affinity import stay
from server.config import Settings, SettingsError
from server.http11 import BoundedHttp
from server.readiness import Readiness
from server.relay import Relay, to_first
from server.seat import Seat
from server.sharing import SharedHttp, Sharing
from server.web import PATH, WITH_SESSIONS

KEEP_ALIVE_S = 75
"""Longer than balancers keep an idle connection, most of them 60 s: whoever closes first may cut off a request."""


async def listen(app: Starlette, settings: Settings, seat: Seat | None, readiness: Readiness) -> None:
    """Serve `app` at the settings' address; on SIGTERM or SIGINT stop taking calls and let those under way finish.

    `readiness` is told first, `drain_s` before the last call is taken, so that nobody sends calls here any more. One
    more signal waits for that no longer, the next stops at once.

    Raises:
        SettingsError: nothing can listen at this host and port.
    """
    async with AsyncExitStack() as stack:
        if seat is None:
            servers = [_Uvicorn(_config(app, settings))]
        else:
            servers = [_Sharing(_config(app, settings), Sharing(seat, lambda: not readiness.missing()))]
            if seat.keeps_sessions:
                servers.append(_Uvicorn(_config(app, settings, uds=str(seat.first_socket), lifespan="off")))
            else:
                first = await stack.enter_async_context(to_first(seat.first_socket))
                app.user_middleware.insert(0, Middleware(Relay, path=PATH, with_sessions=WITH_SESSIONS, first=first))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stay, settings.cpu_affinity, seat)
            tasks.start_soon(_stop_by_signal, servers, readiness.drain, settings.drain_s)
            if seat is not None:
                tasks.start_soon(_stop_with_supervisor, servers)
            async with anyio.create_task_group() as serving:
                for server in servers:
                    serving.start_soon(_serve, server)
            tasks.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """Uvicorn without its own signal handling, which would end the process before the house is closed."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield


class _Sharing(_Uvicorn):
    """One that listens nowhere itself: it takes from its siblings' listener from when it is up until it shuts down."""

    def __init__(self, config: uvicorn.Config, sharing: Sharing) -> None:
        super().__init__(config)
        self._sharing = sharing

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin, without a socket of its own."""
        await super().startup(sockets=sockets or [])
        self._sharing.listen()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Let what is open end."""
        self._sharing.close()
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        protocol = partial(
            SharedHttp,
            self._sharing,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._sharing.take, protocol)
            await super().main_loop()
            tasks.cancel_scope.cancel()


def _config(app: Starlette, settings: Settings, **options: Any) -> uvicorn.Config:
    fixed: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "lifespan": "on",
        "http": BoundedHttp,
        "ws": "none",
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": int(settings.shutdown_grace_s),
    }
    return uvicorn.Config(app, **{**fixed, **options})


async def _serve(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit:  # uvicorn's way to say so, after it has logged the reason
        raise SettingsError.cannot_listen(server.config.host, server.config.port) from None


def _stop(servers: Sequence[uvicorn.Server]) -> None:
    for server in servers:
        server.force_exit = server.should_exit
        server.should_exit = True


async def _stop_by_signal(servers: Sequence[uvicorn.Server], drain: Callable[[], None], drain_s: float) -> None:
    async def stop_after_draining() -> None:
        drain()
        with pause:
            await anyio.sleep(drain_s)
        _stop(servers)

    pause = anyio.CancelScope()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks:
            await anext(signals)
            tasks.start_soon(stop_after_draining)
            async for _ in signals:
                if servers[0].should_exit:
                    _stop(servers)
                pause.cancel()


async def _stop_with_supervisor(servers: Sequence[uvicorn.Server]) -> None:
    """The supervisor never writes; when the pipe from it can be read, it is closed."""
    await anyio.wait_readable(sys.stdin.fileno())
    _stop(servers)
