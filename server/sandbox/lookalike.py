"""The Snowflake look-alike's process: `python -P -m server.sandbox.lookalike --state DIR`.

Binds 127.0.0.1 and nothing else, holds the DuckDB files, loads the data on the first start, and serves the driver's
protocol until it is told to stop.
"""

import argparse
import logging
import os
from pathlib import Path

import uvicorn

from server.sandbox import data
from server.sandbox.account import public_pem_of, sandbox_account
from server.sandbox.fakesnow_app import Engine
from server.sandbox.front import Front
from server.sandbox.logins import Logins
from server.sandbox.querylog import QueryLog
from server.sandbox.runner import Runner
from server.sandbox.sessions import MASTER_TOKEN_TTL_S, SESSION_TOKEN_TTL_S, Sessions
from server.sandbox.state import LOOPBACK, SandboxState, load_state
from server.sandbox.tables import TPCH_SCALE


def build(state: SandboxState, scale: float, token_ttl_s: float, master_ttl_s: float) -> Front:
    """Open the databases, filling them on the first start, and return the application that serves them."""
    data.prepare(state.warehouse_directory, scale)
    engine = Engine(state.warehouse_directory)
    engine.lock()
    account = sandbox_account(public_pem_of(state.lease_key_file), public_pem_of(state.broker_key_file))
    sessions = Sessions(token_ttl_s, master_ttl_s)
    runner = Runner(account, sessions, engine, QueryLog(state.query_log_file))
    return Front(Logins(account), sessions, runner, state.secret(state.control_secret_file))


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=TPCH_SCALE, help="TPC-H scale factor of the first start")
    parser.add_argument("--session-ttl-s", type=float, default=SESSION_TOKEN_TTL_S)
    parser.add_argument("--master-ttl-s", type=float, default=MASTER_TOKEN_TTL_S)
    arguments = parser.parse_args()
    for noisy in ("fakesnow.server", "sqlglot"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    os.umask(0o077)
    state = load_state(arguments.state)
    front = build(state, arguments.scale, arguments.session_ttl_s, arguments.master_ttl_s)
    uvicorn.run(
        front,
        host=LOOPBACK,
        port=state.ports.snowflake,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
