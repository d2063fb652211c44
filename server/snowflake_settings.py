"""What the settings say of Snowflake: where it is, how many sessions there may be, and which is the gate's own."""

from server.config import Settings
from server.pool import Kind, PoolLimits
from server.seat import Seat
from server.warehouse import Account


def account_of(settings: Settings) -> Account:
    """Where Snowflake is."""
    return Account(
        settings.snowflake_account, settings.snowflake_host, settings.snowflake_port, settings.snowflake_protocol
    )


def pool_limits_of(settings: Settings, seat: Seat | None = None) -> PoolLimits:
    """How many sessions there may be, and for how long; in each worker its share."""
    share = seat.share_of if seat is not None else int
    return PoolLimits(
        ttl_s=settings.lease_ttl_s,
        idle_s=settings.lease_idle_s,
        wait_s=settings.lease_wait_s,
        per_principal_max=share(settings.sessions_per_principal_max),
        total_max=share(settings.sessions_max),
    )


def catalog_kind(settings: Settings) -> Kind:
    """The gate's own session, which reads the catalog and no data."""
    return Kind("", settings.snowflake_catalog_user, settings.snowflake_catalog_role, settings.warehouse, "")
