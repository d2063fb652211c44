"""Settings: what an operator decides, read once from the environment or an env file, frozen afterwards.

Every setting is `SNOWGATE_<NAME>`. Each limit carries its unit in its name. Secrets come from files whose paths are
settings, so that they are in no process listing and no dump of the environment.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "SNOWGATE_"


CpuAffinity: TypeAlias = Literal["auto", "none"]
"""Whether each process keeps to one processor; see `server.affinity`."""


class SettingsError(Exception):
    """Settings that snowgate cannot start with; the message names each setting and what is wrong with it."""

    code = "bad_settings"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def cannot_listen(cls, host: str, port: int) -> "SettingsError":
        """Where a gate should be heard, it cannot be."""
        return cls(f"cannot listen at {host}:{port}: see SNOWGATE_HOST and SNOWGATE_PORT")


def _url(text: str) -> str:
    """`text` itself, if it is an http or https URL: issuers and audiences are compared character by character."""
    AnyHttpUrl(text)
    return text


Url = Annotated[str, AfterValidator(_url)]

BrokerName: TypeAlias = Literal["external_oauth", "workload_identity", "programmatic_access_token", "ephemeral_user"]
"""The ways that Snowflake knows to make a credential for one session; see `server.brokers`."""


class Settings(BaseSettings):
    """Everything that `snowgate serve` needs to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_file_encoding="utf-8")

    # where it listens
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    cpu_affinity: CpuAffinity = "auto"
    drain_s: Annotated[float, Field(ge=0, le=300)] = 0.0
    shutdown_grace_s: Annotated[float, Field(gt=0, le=300)] = 10.0

    # what is told of it
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    traces: bool = False
    log_format: Literal["text", "json"] = "text"

    # who may call
    issuer: Url | None = None
    issuers: Path | None = None
    resource: Url | None = None
    token: SecretStr | None = None
    unsafe_local_principal: Path | None = None
    groups_claim: str = "groups"
    accept_plain_jwt: bool = False
    token_leeway_s: Annotated[float, Field(ge=0, le=120)] = 30.0
    clock_apart_s: Annotated[float, Field(ge=5, le=300)] = 30.0
    keys_fresh_s: Annotated[float, Field(gt=0)] = 600.0
    keys_stale_s: Annotated[float, Field(gt=0)] = 86_400.0
    keys_refetch_floor_s: Annotated[float, Field(gt=0)] = 10.0

    # what may be done
    policy: Path
    activation_people: Annotated[int, Field(ge=1, le=2)] = 1
    limits: Path | None = None
    databases: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)]
    catalog_refresh_s: Annotated[float, Field(gt=0)] = 300.0
    catalog_stale_s: Annotated[float, Field(gt=0)] = 3_600.0
    catalog_full_s: Annotated[float, Field(gt=0)] = 3_600.0

    # the journal
    database_url: SecretStr
    journal_key_file: Path
    journal_signing_key_file: Path
    journal_log_key_file: Path | None = None
    journal_origin: Annotated[str, Field(pattern=r"^[^\s+]{1,128}$")] = "snowgate/journal"
    journal_witnesses: Annotated[tuple[str, ...], NoDecode] = ()
    journal_anchor_directory: Path | None = None
    journal_prints_heads: bool = True
    journal_keeps_statements: bool = True
    journal_sample_rows: Annotated[int, Field(ge=0, le=100)] = 0
    admin_database_url: SecretStr | None = None
    auditor_database_url: SecretStr | None = None
    retention_database_url: SecretStr | None = None
    tenant: Annotated[str, Field(max_length=128)] = ""
    state_key_file: Path
    answer_form: Literal["structured", "text"] = "structured"
    answer_wait_s: Annotated[float, Field(gt=0, le=3_600)] = 300.0

    # who is told of held requests
    webhook_url: Url | None = None
    webhook_key_file: Path | None = None

    # the web console
    console_url: Url | None = None
    console_client_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    console_client_secret_file: Path | None = None
    console_scope: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$")] = "openid"
    console_auditor_groups: Annotated[tuple[str, ...], NoDecode] = ()
    console_idle_s: Annotated[float, Field(gt=0, le=86_400)] = 1_800.0
    console_session_s: Annotated[float, Field(gt=0, le=86_400)] = 28_800.0
    console_proof_s: Annotated[float, Field(ge=60, le=86_400)] = 900.0

    # Snowflake
    snowflake_account: str
    snowflake_host: str | None = None
    snowflake_port: Annotated[int, Field(ge=1, le=65_535)] = 443
    snowflake_protocol: Literal["https", "http"] = "https"
    snowflake_broker: BrokerName = "external_oauth"
    snowflake_oauth_issuer: str | None = None
    snowflake_oauth_audience: str | None = None
    snowflake_oauth_key_file: Path | None = None
    snowflake_oauth_key: SecretStr | None = None
    snowflake_oauth_key_program: Path | None = None
    snowflake_oauth_next_key_file: Path | None = None
    snowflake_broker_user: str | None = None
    snowflake_broker_role: str | None = None
    snowflake_broker_key_file: Path | None = None
    snowflake_catalog_user: str
    snowflake_catalog_role: str
    snowflake_submits: bool = False
    warehouse: str
    credential_ttl_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    lease_ttl_s: Annotated[float, Field(gt=0, le=3_600)] = 600.0
    lease_idle_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    lease_wait_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    sessions_per_principal_max: Annotated[int, Field(ge=1, le=1_000)] = 32
    sessions_max: Annotated[int, Field(ge=1, le=10_000)] = 512

    @property
    def admin_url(self) -> str:
        """The database, by a login that may change its schema."""
        return (self.admin_database_url or self.database_url).get_secret_value()

    @property
    def auditor_url(self) -> str:
        """The database, by a login that may read the journal and add to it that it was read."""
        return (self.auditor_database_url or self.database_url).get_secret_value()

    @property
    def retention_url(self) -> str:
        """The database, by a login that may drop months which are old enough, and say so in the journal."""
        return (self.retention_database_url or self.database_url).get_secret_value()

    @field_validator(
        "databases", "allowed_hosts", "allowed_origins", "journal_witnesses", "console_auditor_groups", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_who_may_call(self) -> "Settings":
        if [self.issuer, self.issuers, self.unsafe_local_principal].count(None) != 2:
            raise ValueError("set exactly one of ISSUER, ISSUERS and UNSAFE_LOCAL_PRINCIPAL")
        if self.unsafe_local_principal is None and self.resource is None:
            raise ValueError("RESOURCE is required with an issuer: it is the audience that tokens must name")
        if self.unsafe_local_principal is not None and not is_loopback(self.host):
            raise ValueError(f"HOST `{self.host}` is not loopback: an ISSUER is required to listen there")
        return self

    @model_validator(mode="after")
    def _signs_what_it_sends(self) -> "Settings":
        if (self.webhook_url is None) != (self.webhook_key_file is None):
            raise ValueError("WEBHOOK_URL and WEBHOOK_KEY_FILE go together: what is sent is signed")
        return self

    @model_validator(mode="after")
    def _knows_its_console(self) -> "Settings":
        if (self.console_client_id is None) != (self.console_client_secret_file is None):
            raise ValueError("CONSOLE_CLIENT_ID and CONSOLE_CLIENT_SECRET_FILE go together")
        if self.console_client_id is None:
            return self
        if self.unsafe_local_principal is not None:
            raise ValueError("CONSOLE_CLIENT_ID needs an issuer to sign people in")
        if self.console_url is None or not _is_console(self.console_url):
            raise ValueError("CONSOLE_URL must be where browsers find the console: https, its path ending in /console")
        return self

    @model_validator(mode="after")
    def _trusts_no_clear_text(self) -> "Settings":
        """Keys and credentials travel over http only where nobody can listen in or answer instead."""
        if self.issuer is not None:
            check_issuer_url(self.issuer)
        if not _is_safe(self.snowflake_protocol, self.snowflake_host):
            raise ValueError("SNOWFLAKE_PROTOCOL `http` is for a SNOWFLAKE_HOST on this machine alone")
        if self.webhook_url is not None:
            hook = AnyHttpUrl(self.webhook_url)
            if not _is_safe(hook.scheme, hook.host):
                raise ValueError("WEBHOOK_URL must be an https URL: it tells who asks for what")
        return self

    @model_validator(mode="after")
    def _can_make_credentials(self) -> "Settings":
        """Each broker needs settings of its own."""
        if self.snowflake_broker in ("external_oauth", "workload_identity"):
            if self.snowflake_oauth_issuer is None or self.snowflake_oauth_audience is None:
                raise ValueError(
                    f"SNOWFLAKE_OAUTH_ISSUER and SNOWFLAKE_OAUTH_AUDIENCE are required by {self.snowflake_broker}"
                )
            keys = [self.snowflake_oauth_key_file, self.snowflake_oauth_key, self.snowflake_oauth_key_program]
            if keys.count(None) != len(keys) - 1:
                raise ValueError("set exactly one of SNOWFLAKE_OAUTH_KEY_FILE, _KEY and _KEY_PROGRAM")
        elif None in (self.snowflake_broker_user, self.snowflake_broker_role, self.snowflake_broker_key_file):
            raise ValueError(f"SNOWFLAKE_BROKER_USER, _ROLE and _KEY_FILE are required by {self.snowflake_broker}")
        if self.snowflake_oauth_key_program is not None and not self.snowflake_oauth_key_program.is_absolute():
            raise ValueError("SNOWFLAKE_OAUTH_KEY_PROGRAM must be an absolute path: the gate has no PATH")
        return self


def check_issuer_url(issuer: str) -> None:
    """Refuse an issuer that others could answer for: ValueError unless it is https or on this machine."""
    url = AnyHttpUrl(issuer)
    if not _is_safe(url.scheme, url.host):
        raise ValueError("ISSUER must be an https URL: whoever can answer for it can sign in as anybody")


def is_safe_url(url: str) -> bool:
    """Whether nobody can listen in or answer instead: https, or this machine."""
    parsed = AnyHttpUrl(url)
    return _is_safe(parsed.scheme, parsed.host)


def _is_console(url: str) -> bool:
    parsed = AnyHttpUrl(url)
    path = (parsed.path or "").rstrip("/")
    return is_safe_url(url) and path.endswith("/console") and parsed.query is None and parsed.fragment is None


def _is_safe(scheme: str, host: str | None) -> bool:
    return scheme == "https" or (host is not None and is_loopback(host.strip("[]")))


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load(env_file: Path | None = None) -> Settings:
    """The settings in force; the environment wins over `env_file`.

    Raises:
        SettingsError: something is missing or malformed; every problem is named at once.
    """
    if env_file is not None and not env_file.is_file():
        raise SettingsError(f"there is no settings file at {env_file}")
    try:
        return Settings(_env_file=env_file)  # the rest comes from the environment
    except ValidationError as error:
        problems = [
            f"{PREFIX}{'.'.join(str(part) for part in e['loc']).upper()}: {e['msg']}" if e["loc"] else e["msg"]
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise SettingsError("\n".join(problems)) from None
