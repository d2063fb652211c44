"""Where one worker process sits among its siblings: who takes new connections, and who keeps the handshake era.

A call of MCP 2026-07-28 is one request, so any worker answers it. A session of the handshake era lives in the memory of
the process that shook hands; all of them live in the first worker, which its siblings reach through a socket in a
directory that only this user can enter.
"""

from dataclasses import dataclass
from pathlib import Path

FIRST = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """Worker `number`, counted from 0, of `count`; `directory` is theirs alone.

    `listener` and `board` are descriptors that each of them inherits.
    """

    number: int
    count: int
    listener: int
    board: int
    directory: Path

    @classmethod
    def parse(cls, text: str) -> "Seat":
        """The seat that `str(seat)` wrote; raises ValueError for anything else."""
        number, count, listener, board, directory = text.split(":", 4)
        return cls(int(number), int(count), int(listener), int(board), Path(directory))

    def __str__(self) -> str:
        return f"{self.number}:{self.count}:{self.listener}:{self.board}:{self.directory}"

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
