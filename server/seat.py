"""Where one worker process sits among its siblings: who takes new connections, and who keeps the handshake era.

A call of MCP 2026-07-28 is one request, so any worker answers it. A session of the handshake era lives in the memory of
the process that shook hands; all of them live in the first worker, which its siblings reach through a socket in a
directory that only this user can enter.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

FIRST = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """Worker `number`, counted from 0, of `count`; `directory` is theirs alone."""

    number: int
    count: int
    directory: Path

    @classmethod
    def parse(cls, text: str) -> "Seat":
        """The seat that `str(seat)` wrote; raises ValueError for anything else."""
        number, count, directory = text.split(":", 2)
        return cls(int(number), int(count), Path(directory))

    def __str__(self) -> str:
        return f"{self.number}:{self.count}:{self.directory}"

    @property
    def keeps_sessions(self) -> bool:
        """Whether the sessions of the handshake era live here."""
        return self.number == FIRST

    @property
    def first_socket(self) -> Path:
        """Where the first worker hears its siblings."""
        return self.directory / "first.sock"

    def share_of(self, limit: int) -> int:
        """A worker's part of a limit that holds for all of them."""
        return max(1, limit // self.count)


def shared_listener(host: str, port: int) -> socket.socket:
    """A socket at `host` and `port` that siblings may open as well; the kernel spreads connections over them.

    Raises:
        OSError: nothing can listen there.
    """
    [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
