"""HTTP/1.1 by llhttp, with a bound on what a stranger can make it hold.

httptools hands a header over when it has all of it, and keeps what it has without a bound; so the bytes of which
nothing has come are counted here.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 64 * 1024
"""Bytes of a request line with its headers, of a chunk's size line, or of trailers."""


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol over httptools; a head that does not end is cut off."""

    _unplaced_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Read on, unless too much was read of which nothing came."""
        self._unplaced_bytes += len(data)
        super().data_received(data)
        if self._unplaced_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is read; llhttp leaves the white space behind its value, which is no part of it (RFC 9110, 5.5)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """The head is read."""
        self._unplaced_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body is read; how much of it is kept is the application's bound."""
        self._unplaced_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is read."""
        self._unplaced_bytes = 0
        super().on_message_complete()
