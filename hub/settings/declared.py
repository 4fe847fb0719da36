"""What an operator can set; the defaults are the safe ones."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from auth.client import IssuerSettings
from auth.issuer import ClaimMapping, DevelopmentIssuer, Issuer
from auth.link import Link
from auth.provider import LoginSettings
from hub.settings.steps import (
    CorrectionSettings,
    DirectorySettings,
    EmergencySettings,
    RegistrySettings,
    SharingSettings,
    Webhook,
)
from hub.settings.watching import ScorecardSettings, WarningSettings
from hub.settings.words import (
    Count,
    DatabaseUrl,
    DutyName,
    FilePath,
    FilePattern,
    HeaderName,
    Network,
    OfficerName,
    PackName,
    Seconds,
    Section,
    WebhookUrl,
    ZoneName,
)


class Zone(Section, frozen=True, kw_only=True):
    """A part of the network that rules name as `network_zone`."""

    name: ZoneName
    networks: Annotated[tuple[Network, ...], msgspec.Meta(min_length=1)]
    """As `10.0.0.0/8` or `2001:db8::/32`; of several that hold an address, the narrowest counts."""


class Listen(Section, frozen=True, kw_only=True):
    """Where and how the server listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    backlog: Count = 1024
    connections: Count = 1024
    header_timeout_s: Seconds = 10.0
    header_bytes: Annotated[int, msgspec.Meta(ge=4096)] = 65_536
    tls_certificate: FilePath | None = None
    tls_key: FilePath | None = None
    reload_poll_s: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    zones: tuple[Zone, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    """Whose `X-Forwarded-For` counts; nobody else's does."""
    certificate_header: HeaderName | None = None
    """In what those say which certificate a client has shown them, and that it is a good one."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the hub."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


class Instance(Section, frozen=True, kw_only=True):
    """Which hub this is."""

    name: str = "hub"
    department: str | None = None
    """The department that runs it, the catalogue's authority."""
    mode: Literal["production", "development"] = "production"
    crypto_profile: Literal["intl", "sm"] = "intl"
    """`intl`: SHA-256 and AES; `sm`: SM3 and SM4. Another profile makes other tokens and ids."""


class Keys(Section, frozen=True, kw_only=True):
    """Where API keys are kept."""

    store: bool = True
    """In the hub's own database."""
    file: FilePath | None = None


class Auth(Section, frozen=True, kw_only=True):
    """Whose credentials count."""

    issuers: tuple[Issuer, ...] = ()
    claims: ClaimMapping = ClaimMapping()
    api_keys: Keys = Keys()
    cache_size: Count = 10_000
    cache_s: Seconds = 60.0
    """How long accepted credentials are taken without looking again."""
    development_issuer: DevelopmentIssuer | None = None
    issuer: IssuerSettings = IssuerSettings()
    """The hub as an issuer of short tokens for applications."""
    login: LoginSettings = LoginSettings()
    """Where people log in with browsers."""
    administrator_duty: DutyName = "system-administrator"
    """The duty of those who run the hub: with security officers' and auditors', one of three that
    no identity holds two of."""


class State(Section, frozen=True, kw_only=True):
    """The hub's own database."""

    directory: FilePath = "hub-state"
    url: DatabaseUrl | None = None
    """`sqlite:///PATH` or `postgresql://...`; absent = a SQLite file in `directory`."""

    @property
    def database_url(self) -> str:
        """The URL in force."""
        return self.url or f"sqlite:///{Path(self.directory) / 'state.sqlite'}"


class Anchor(Section, frozen=True, kw_only=True):
    """A place outside for signed heads: one of both."""

    directory: FilePath | None = None
    """A folder, `heads.jsonl` in which gets a line for each."""
    url: WebhookUrl | None = None
    """`https:`, or `http:` to this machine; each head is sent by `POST` as JSON."""


class Audit(Section, frozen=True, kw_only=True):
    """The audit log."""

    enabled: bool = True
    required: Literal["always"] = "always"
    """No answer leaves before its entry is durable."""
    queue: Count = 10_000
    """Entries that may wait; more are refused."""
    wait_s: Seconds = 5.0
    """Longest wait for an entry to become durable."""
    head: FilePath | None = None
    """A file that keeps the last number and hash outside the database."""
    persons: bool = False
    """Entries list the persons whose rows left, as keyed hashes."""
    sign_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 60.0
    """How often a head of the tree is signed, if it has grown."""
    anchors: tuple[Anchor, ...] = ()
    """Where signed heads are left too, out of the reach of who runs the hub."""
    retention_days: Annotated[int, msgspec.Meta(ge=180, le=36_500)] = 1_096
    """How long the text of operations' entries is kept at least; `hub audit prune` takes it."""


class Officer(Section, frozen=True, kw_only=True):
    """A security officer, who signs releases of rules."""

    id: OfficerName
    name: str | None = None
    role: Literal["security_officer"] = "security_officer"
    keys: Annotated[tuple[FilePath, ...], msgspec.Meta(min_length=1)]
    """Files of public Ed25519 keys, each a JWK or PEM."""
    retired: bool = False
    """Signs nothing new; what is in force by an old signature stays."""


class Owner(Section, frozen=True, kw_only=True):
    """Who consents for a department where its fields are shown to more."""

    department: OfficerName
    keys: Annotated[tuple[FilePath, ...], msgspec.Meta(min_length=1)]


class ReleaseSettings(Section, frozen=True, kw_only=True):
    """Which rules are in force, and who must have signed them."""

    required: bool = False
    """Only signed releases are in force, and the files under `policies` are drafts."""
    bounds: bool = False
    """Only documents run for which an officer has approved what they reveal."""
    officers: tuple[Officer, ...] = ()
    owners: tuple[Owner, ...] = ()
    loosening: Annotated[int, msgspec.Meta(ge=2)] = 2
    """Officers who sign what shows anybody more."""
    tightening: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Officers who sign what shows nobody more."""
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 14
    """How long after it was made a release may come into force."""
    control: bool = False
    """Whether officers take these steps at the control door too; they sign all the same."""
    officer_duty: DutyName = "security-officer"
    """The duty of those who take steps with rules over HTTP."""
    auditor_duty: DutyName = "auditor"
    """The duty of those who look at rules over HTTP, and do no more."""


class VaultSettings(Section, frozen=True, kw_only=True):
    """Where `${vault:MOUNT/PATH#KEY}` is read; what is absent, Vault's own variables say."""

    address: str | None = None
    """`https:`, or `http:` to this machine; else VAULT_ADDR."""
    token_file: FilePath | None = None
    """Else VAULT_TOKEN_FILE, or VAULT_TOKEN itself."""
    namespace: str | None = None
    authority: FilePath | None = None
    """Whose certificate Vault's is signed with, as PEM; else VAULT_CACERT, or the system's."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0


class Recording(Section, frozen=True, kw_only=True):
    """What callers ask, without values, kept for `hub policy simulate`."""

    enabled: bool = True
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30
    """How long an operation is kept after it was last asked."""
    most: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    """Operations kept; the longest not asked go."""


class HealthSettings(Section, frozen=True, kw_only=True):
    """When a source counts as unwell, and who is told."""

    probe_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 30.0
    """How often every source is probed."""
    window_s: Annotated[float, msgspec.Meta(ge=60, le=86_400)] = 3600.0
    """The time that calls are judged over."""
    least_calls: Count = 20
    """Calls below which nothing is said of their failures and times."""
    error_budget: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """The share of calls that may fail."""
    slow_s: Seconds = 2.0
    """What 95 of 100 calls should not exceed."""
    webhooks: tuple[Webhook, ...] = ()


class LimitSettings(Section, frozen=True, kw_only=True):
    """Bounds on what callers may ask; `None` = the query path's own default."""

    body_bytes: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 1_000_000
    body_timeout_s: Seconds = 10.0
    uri_bytes: Annotated[int, msgspec.Meta(ge=256)] = 16_384
    variables_depth: Count = 32
    tokens: Count | None = None
    depth: Count | None = None
    aliases: Count | None = None
    directives: Count | None = None
    fragments: Count | None = None
    spreads: Count | None = None
    fields: Count | None = None
    merges: Count | None = None
    introspection: Count | None = None
    """How many standard introspection queries one introspection may be worth."""
    introspection_aliases: Count | None = None
    terms: Count | None = None
    groups: Count | None = None
    joins: Count | None = None
    fetches: Count | None = None
    kept_text: Count | None = None
    kept_bytes: Count | None = None
    cost: Count | None = None
    page_default: Count | None = None
    page_max: Count | None = None
    in_flight: Count = 256
    """Operations at once in one worker."""
    deadline_s: Seconds = 10.0


class Protocol(Section, frozen=True, kw_only=True):
    """The GraphQL door."""

    path: Annotated[str, msgspec.Meta(pattern=r"^(/[A-Za-z0-9._-]+)+$")] = "/graphql"
    status: Literal["classic", "2026"] = "classic"
    get: bool = True
    apq: bool = True
    trusted_documents: FilePath | None = None
    """A manifest; when set, only its documents run."""
    batching: Annotated[int, msgspec.Meta(ge=2, le=100)] | Literal["off"] = "off"
    graphiql: bool = True
    metrics: bool = True
    cors_origins: tuple[str, ...] = ()


class Telemetry(Section, frozen=True, kw_only=True):
    """What the hub says about itself."""

    otlp_endpoint: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    service_name: str = "hub"


class Settings(Section, frozen=True, kw_only=True):
    """Everything an operator can set. Paths are absolute once read from a file."""

    fragments: tuple[FilePattern, ...] = ()
    policies: tuple[FilePattern, ...] = ()
    grants: tuple[FilePattern, ...] = ()
    """Files of approved shares: state, not rules."""
    packs: tuple[PackName, ...] = ("plain",)
    ceiling: Mapping[str, str] = {}
    """ladder -> highest level this instance may hold."""
    listen: Listen = Listen()
    instance: Instance = Instance()
    auth: Auth = Auth()
    links: tuple[Link, ...] = ()
    """Other hubs that may ask here for their callers."""
    state: State = State()
    audit: Audit = Audit()
    release: ReleaseSettings = ReleaseSettings()
    registry: RegistrySettings = RegistrySettings()
    directory: DirectorySettings = DirectorySettings()
    sharing: SharingSettings = SharingSettings()
    vault: VaultSettings = VaultSettings()
    recording: Recording = Recording()
    corrections: CorrectionSettings = CorrectionSettings()
    emergency: EmergencySettings = EmergencySettings()
    health: HealthSettings = HealthSettings()
    warnings: WarningSettings = WarningSettings()
    scorecards: ScorecardSettings = ScorecardSettings()
    limits: LimitSettings = LimitSettings()
    protocol: Protocol = Protocol()
    telemetry: Telemetry = Telemetry()
