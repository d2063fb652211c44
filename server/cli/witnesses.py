"""`snowgate witness`: cosign the heads of somebody else's journal (C2SP tlog-witness). For another team to run."""

from pathlib import Path
from typing import Annotated

import anyio
import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.note import COSIGNATURE, BadKey, PublicKey
from audit.witness import REQUEST_BYTES_MAX, Witness
from server.cli.terminal import failing_cleanly
from server.config import SettingsError
from server.journal_keys import read_signer


def witness(
    key_file: Annotated[Path, typer.Option(help="PEM of the Ed25519 key of this witness.")],
    name: Annotated[str, typer.Option(help="The name of this witness, such as witness.example.com/w1.")],
    log: Annotated[list[str], typer.Option(help="The public key of a log to cosign, `origin+id+base64`; repeatable.")],
    memory: Annotated[Path, typer.Option(help="The SQLite file of what was seen.")] = Path("witness.sqlite"),
    host: Annotated[str, typer.Option(help="Where to listen; TLS is ended in front of it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8770,
) -> None:
    """Serve `POST /add-checkpoint` until stopped; prints its own public key first."""
    with failing_cleanly():
        signer = read_signer(key_file, name, COSIGNATURE)
        logs: dict[str, list[PublicKey]] = {}
        try:
            for told in log:
                known = PublicKey.parse(told)
                logs.setdefault(known.name, []).append(known)
        except BadKey as error:
            raise SettingsError(str(error), error.hint) from None
        typer.echo(str(signer.public))
        uvicorn.run(witness_app(Witness(memory, signer, logs)), host=host, port=port, log_level="warning")


def witness_app(served: Witness) -> Starlette:
    """The witness as an ASGI application."""

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > REQUEST_BYTES_MAX:
                return Response("too long\n", 413)
        reply = await anyio.to_thread.run_sync(served.add_checkpoint, body)
        return Response(reply.body, reply.status, media_type=reply.content_type)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
