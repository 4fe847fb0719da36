"""Settings: what is right is read, what is wrong is told with file, line, column and a hint."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.loading import query_limits
from hub.settings import Settings, expand, read_settings
from hub.settings.declared import LimitSettings
from schema.errors import HubError, ManyErrors


def written(folder: Path, text: str) -> Path:
    file = folder / "hub.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def told(file: Path, environ: dict[str, str] | None = None) -> list[HubError]:
    with pytest.raises(HubError) as refused:
        read_settings(file, environ or {})
    error = refused.value
    assert error.code == "CONFIG_INVALID"
    return list(error.problems) if isinstance(error, ManyErrors) else [error]


def test_an_empty_file_gives_the_safe_defaults(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, ""), {})
    assert settings.listen.host == "127.0.0.1"
    assert settings.instance.mode == "production"
    assert settings.audit.enabled
    assert settings.protocol.cors_origins == ()
    assert settings.packs == ("plain",)
    assert settings.state.database_url == f"sqlite:///{tmp_path}/hub-state/state.sqlite"


def test_everything_can_be_set(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
fragments: fragments/*.yaml
policies: [policies/a.yaml, /etc/hub/b.yaml]
packs: [plain, cn]
ceiling: {plain: internal}
listen: {host: 0.0.0.0, port: 9000, workers: 2}
instance: {department: data-bureau, name: city, mode: production}
auth:
  issuers:
    - issuer: https://login.example
      audience: hub
      jwks: https://login.example/jwks
      algorithms: [ES256]
      claims: {roles: realm_access.roles}
      fixed: {department: tax}
  api_keys: {store: false, file: keys.json}
state: {url: "sqlite:///other.sqlite"}
audit: {required: always, head: /mnt/safe/head.json}
limits: {body_bytes: 2000000, deadline_s: 5}
protocol: {status: 2026, batching: 10, apq: false}
telemetry: {otlp_endpoint: "http://127.0.0.1:4318/v1/traces", log_format: console}
""",
    )
    settings = read_settings(file, {})
    assert settings.fragments == (f"{tmp_path}/fragments/*.yaml",)
    assert settings.policies == (f"{tmp_path}/policies/a.yaml", "/etc/hub/b.yaml")
    (issuer,) = settings.auth.issuers
    assert (issuer.audience, issuer.algorithms) == (("hub",), ("ES256",))
    assert issuer.jwks == "https://login.example/jwks"
    assert issuer.claims is not None
    assert issuer.claims.roles == ("realm_access.roles",)
    assert settings.auth.api_keys.file == f"{tmp_path}/keys.json"
    assert settings.state.database_url == f"sqlite:///{tmp_path}/other.sqlite"
    assert (settings.protocol.status, settings.protocol.batching) == ("2026", 10)
    assert settings.limits.deadline_s == 5.0


def test_the_environment_wins(tmp_path: Path) -> None:
    file = written(tmp_path, "listen:\n  port: 9000\n  host: 127.0.0.1\n")
    environ = {
        "HUB_LISTEN__PORT": "9001",
        "HUB_PACKS": "plain, cn",
        "HUB_STATE__URL": "postgresql://h/x",
        "HUB_AUDIT__WAIT_S": "2",
        "HUB_SECRET_OF_SOMEBODY": "not a setting",
        "OTHER": "x",
    }
    settings = read_settings(file, environ)
    assert (settings.listen.port, settings.listen.host) == (9001, "127.0.0.1")
    assert settings.packs == ("plain", "cn")
    assert settings.state.database_url == "postgresql://h/x"
    assert settings.audit.wait_s == 2.0


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("listn: {}", "1:1", "unknown key `listn`", "did you mean `listen`?"),
        ("listen:\n  prot: 1", "2:3", "unknown key `prot`", "did you mean `port`?"),
        ("listen: {port: '1'}", "1:16", "`port` has a wrong value", "int"),
        ("listen: {port: 70000}", "1:16", "`port` has a wrong value", "65535"),
        ("listen: {port: yes}", "1:16", "`port` has a wrong value", "int"),
        ("listen: 8000", "1:9", "`listen` is not a mapping", "below"),
        ("listen:", "1:1", "`listen` has no value", "delete"),
        ("fragments: {a: b}", "1:12", "`fragments` is not a single value", "one value"),
        ("protocol: {status: 2027}", "1:20", "`status` has a wrong value", "classic, 2026"),
        ("protocol: {batching: 1}", "1:22", "`batching` has a wrong value", ""),
        ("limits: {body_bytes: 20000000}", "1:22", "`body_bytes` has a wrong value", "10000000"),
        ("limits: {deadline_s: 0}", "1:22", "`deadline_s` has a wrong value", "> 0"),
        ("ceiling: [x]", "1:10", "`ceiling` is not a mapping", ""),
        ("auth: {issuers: [{audience: x}]}", "1:18", "lacks `issuer`", "add"),
        (
            "auth: {issuers: [{issuer: a, audience: x, algorithms: [none]}]}",
            "1:56",
            "`algorithms` has a wrong value",
            "RS256",
        ),
        (
            "auth: {issuers: [{issuer: a, audience: x, fixed: {clearance: x}}]}",
            "1:51",
            "unknown key `clearance`",
            "",
        ),
        ("state: {url: 'mysql://h/x'}", "1:14", "not a database", "sqlite:///PATH"),
        ("audit: {enabled: false}", "1:9", "cannot be switched off", "development"),
        ("audit: {required: never}", "1:19", "`required` has a wrong value", "always"),
        ("listen: {tls_key: a}", "1:1", "a certificate needs its key", "both"),
        (
            "instance: {mode: development}\nlisten: {host: 0.0.0.0}\n"
            "auth: {development_issuer: {directory: d}}",
            "3:8",
            "development issuer",
            "127.0.0.1",
        ),
        ("auth: {development_issuer: {directory: d}}", "1:8", "development issuer", "mode"),
        ("a: b: c", "1:5", "not YAML", ""),
        ("listen: {port: 1, port: 2}", "1:19", "given twice", "keep one"),
        ("- a", "1:1", "not a mapping", ""),
        ("listen: &x {}", "1:9", "anchors", ""),
    ],
)
def test_one_mistake_is_one_clear_error(
    tmp_path: Path, text: str, where: str, message: str, hint: str
) -> None:
    file = written(tmp_path, text)
    (problem,) = told(file)
    assert problem.where == f"{file}:{where}"
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_a_pack_of_ones_own_lies_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("packs: [plain, packs/city.yaml]\n")
    assert read_settings(file, {}).packs == ("plain", str(tmp_path / "packs" / "city.yaml"))


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    file = written(tmp_path, "listn: 1\nlisten: {port: x}\nlimits: {cost: -1}\n")
    assert [problem.where for problem in told(file)] == [
        f"{file}:1:1",
        f"{file}:2:16",
        f"{file}:3:16",
    ]


def test_mistakes_in_the_environment_name_the_variable(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    environ = {"HUB_LISTEN__PORT": "many", "HUB_LISTEN__X": "1", "HUB_LISTEM__PORT": "1"}
    problems = told(file, environ)
    assert {problem.where for problem in problems} == set(environ)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (problem,) = told(tmp_path / "none.yaml")
    assert "--config" in (problem.hint or "")


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_bytes(b"listen: \xff\xfe")
    (problem,) = told(file)
    assert problem.message == "not UTF-8"


def test_patterns_name_files_and_an_empty_one_is_told(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / name).write_text("")
    both = (f"{tmp_path}/*.yaml", f"{tmp_path}/a.yaml")
    assert expand(both) == (tmp_path / "a.yaml", tmp_path / "b.yaml")
    with pytest.raises(HubError, match="no file matches"):
        expand([f"{tmp_path}/*.yml"])


KEYS = st.sampled_from([*Settings.__struct_fields__, "x", "port", "url", "issuers"])
TREES = st.recursive(
    st.sampled_from(["", "1", "x", "'y'", "true", "-3.5", "~"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda held: "{" + ", ".join(f"{key}: {value}" for key, value in held.items()) + "}"
        )
    ),
    max_leaves=8,
)


@given(TREES)
def test_no_file_makes_another_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder), text)
        problems: list[HubError] = []
        try:
            read_settings(file, {})
        except ManyErrors as many:
            problems = list(many.problems)
        except HubError as one:
            problems = [one]
    assert all(problem.where and problem.hint for problem in problems)


def test_every_bound_of_the_query_path_that_can_be_set_is_passed_on() -> None:
    chosen = {
        field.name: number
        for number, field in enumerate(msgspec.structs.fields(LimitSettings), start=10_000)
        if field.default is None
    }
    made = query_limits(Settings(limits=LimitSettings(**chosen)))  # type: ignore[arg-type]
    assert set(chosen.values()) <= set(msgspec.structs.asdict(made).values())


def test_network_zones_are_networks(tmp_path: Path) -> None:
    text = "listen: {zones: [{name: office, networks: [10.0.0.0/8, 2001:db8::/32]}]}"
    (zone,) = read_settings(written(tmp_path, text), {}).listen.zones
    assert (zone.name, zone.networks) == ("office", ("10.0.0.0/8", "2001:db8::/32"))
    proxies = {"HUB_LISTEN__TRUSTED_PROXIES": "192.0.2.1,192.0.2.2"}
    settings = read_settings(written(tmp_path, text), proxies)
    assert settings.listen.trusted_proxies == ("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("[{name: a, networks: [10.0.0/8]}]", 2, "not a network", "as `10.0.0.0/8`"),
        ("[{name: a, networks: [10.0.0.1/8]}]", 2, "beyond its prefix", "`10.0.0.0/8`"),
        ("[{name: a, networks: ['::ffff:10.0.0.0/104']}]", 2, "as IPv6", "as `10.0.0.0/8`"),
        ("[{name: a, networks: []}]", 2, "wrong value", "length"),
        ("[{networks: [10.0.0.0/8]}]", 2, "lacks `name`", "add `name:`"),
        ("[{name: a, network: 10.0.0.0/8}]", 2, "unknown key `network`", "`networks`?"),
        (
            "[{name: a, networks: [10.0.0.0/8]}, {name: b, networks: [10.0.0.0/8]}]",
            2,
            "is in two zones",
            "narrower",
        ),
    ],
)
def test_a_wrong_zone_is_told_with_its_place(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    problems = told(written(tmp_path, f"listen:\n  zones: {text}\n"))
    assert any(message in problem.message and hint in str(problem.hint) for problem in problems), (
        problems
    )
    assert all(f"hub.yaml:{line}:" in str(problem.where) for problem in problems)
