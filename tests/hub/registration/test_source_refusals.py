"""What is refused on the way of a registered source, and how it is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.cli.main import run
from hub.registration.reach import unreachable
from hub.settings.steps import Registrant, RegistrySettings
from schema.compose.fragment import read_fragment
from tests.hub.registration.bureau import SALARY, Bureau, Captured


@pytest.fixture
def bureau(tmp_path: Path, capsys: Captured) -> Bureau:
    return Bureau(tmp_path, capsys)


def altered(bureau: Bureau, statement: str) -> None:
    """Change the hub's database by hand."""
    file = bureau.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def test_each_step_has_its_place(bureau: Bureau) -> None:
    assert "[NOT_FOUND]" in bureau.bad("check", "civil")
    bureau.register(bureau.civil())
    assert "was not checked" in bureau.bad("submit", "civil")
    assert "version 1 is draft, not approved" in bureau.bad("publish", "civil")
    assert "version 1 is draft, not submitted" in bureau.bad("approve", "civil", *bureau.key("li"))
    bureau.good("check", "civil")
    bureau.good("submit", "civil")
    status, said = bureau.register(bureau.civil(SALARY), "--based-on", "3")
    assert status == 1
    assert "version 1 is submitted (recall it first" in said
    assert "version 1 is submitted, not draft or checked" in bureau.bad("submit", "civil")
    bureau.good("recall", "civil")
    bureau.good("check", "civil")
    bureau.good("submit", "civil")
    reject = ("reject", "civil", *bureau.key("li"), "--reason")
    assert "a rejection states its reason" in bureau.bad(*reject, " ")
    bureau.good(*reject, "not now")
    assert "nothing is under way: version 1 is rejected" in bureau.bad("submit", "civil")
    assert "reason: not now" in bureau.good("show", "civil")
    back = ("rollback", "civil", *bureau.key("li"), "--reason", "x", "--to")
    assert "version 1 is rejected and was not in force" in bureau.bad(*back, "1")
    assert "no version 7" in bureau.bad(*back, "7")
    assert "there is nothing to withdraw" in bureau.bad("withdraw", "civil", "--reason", "x")


def test_an_edit_that_comes_too_late_shows_what_was_changed(bureau: Bureau) -> None:
    bureau.register(bureau.civil(), "--by", "zhang")
    assert "states the revision" in bureau.register(bureau.civil(SALARY))[1]
    assert bureau.register(bureau.civil(SALARY), "--based-on", "1", "--by", "chen")[0] == 0
    status, said = bureau.register(bureau.civil(), "--based-on", "1", "--by", "zhang")
    assert status == 1
    assert said.splitlines()[:2] == ["--- revision 1", "+++ revision 2"]
    assert "+      salary: {type: Int}" in said
    last = said.splitlines()[-1]
    assert "`civil` is at revision 2: `chen` has taken the step `edit` on version 1" in last
    assert last.endswith("[EDIT_CONFLICT]")
    assert "[EDIT_CONFLICT]" in bureau.bad("check", "civil", "--based-on", "1")
    assert bureau.good("show", "civil", "--text") == bureau.civil(SALARY)


def test_nobody_approves_their_own(bureau: Bureau) -> None:
    bureau.register(bureau.civil(), "--by", "li")
    bureau.good("check", "civil")
    bureau.good("submit", "civil", "--by", "wang")
    for who in ("li", "wang"):
        said = bureau.bad("approve", "civil", *bureau.key(who))
        assert f"`{who}` has written or submitted it" in said
    for who in ("zhao", "tax", "stranger"):
        for words in (("approve", "civil"), ("reject", "civil", "--reason", "x")):
            said = bureau.bad(*words, *bureau.key(who))
            assert "the key is not one of a security officer" in said
    refused = [(act, by, code) for act, by, code in bureau.acts() if code != "ok"]
    assert refused == [("source.approve", who, "REGISTRATION_REFUSED") for who in ("li", "wang")]


def test_a_text_that_does_not_fit_is_told_with_its_place(bureau: Bureau) -> None:
    status, said = bureau.register("hub: 1\nsource: {name: Civil}\n")
    assert status == 1
    assert f"{bureau.home}/fragment.yaml:2:" in said
    bureau.register(bureau.tax())
    status, said = bureau.run("check", "tax")
    assert status == 1
    assert "registered:tax@1:4:3: `tax` of `tax` extends the type `Person`" in said
    assert "[COMPOSITION_FAILED]" in said
    assert "the check of `tax` found 1 error" in said
    assert "did not pass its check" in bureau.bad("submit", "tax")


def test_all_must_be_labelled(bureau: Bureau) -> None:
    text = bureau.civil(SALARY).replace("    label: internal\n", "")
    text = text.replace("type: String}", "type: String, label: internal}")
    bureau.register(text)
    status, said = bureau.run("check", "civil")
    assert status == 1
    assert "registered:civil@1:11:7" in said
    assert "Person.salary" in said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("residents}", "nowhere}", "the table of `Person` does not answer as declared"),
        ("name: {type: String}", "name: {type: Date}", "of `Person.name`|does not answer"),
        ("civil.sqlite", "gone.sqlite", "the source cannot be reached"),
    ],
)
def test_the_live_source_is_asked(bureau: Bureau, old: str, new: str, told: str) -> None:
    bureau.register(bureau.civil().replace(old, new))
    status, said = bureau.run("check", "civil")
    assert status == 1
    assert any(one in said for one in told.split("|")), said
    assert "N1" not in said  # no value of the source is told


@pytest.mark.parametrize(
    ("connect", "told"),
    [
        ('url: "sqlite:////etc/passwd"', "`url` names a place"),
        ('url: "sqlite:///HOME/../x"', "`url` names a place"),
        ('url: "sqlite:///HOMEX/x"', "`url` names a place"),
        ('url: "${env:HUB_STATE__URL}"', "may not refer to `env:HUB_STATE__URL`"),
        ('url: "${file:/etc/passwd}"', "may not refer to `file:/etc/passwd`"),
    ],
)
def test_only_what_is_allowed_is_reached(bureau: Bureau, connect: str, told: str) -> None:
    text = bureau.civil()
    held = text[text.index("url:") : text.index("}}\n")]
    bureau.register(text.replace(held, connect.replace("HOME", str(bureau.home))))
    status, said = bureau.run("check", "civil")
    assert status == 1
    assert told in said
    assert "[REGISTRATION_REFUSED]" in said


REST = """\
hub: 1
source:
  name: permits
  department: civil-affairs
  kind: {kind}
  connect: {{{connect}}}
  tables: {{permits: {{{table}}}}}
types:
  Permit:
    key: [number]
    from: {{table: permits}}
    label: internal
    share: unconditional
    fields: {{number: {{type: String}}}}
"""
TOKEN = 'auth: {oauth2: {token_url: "${env:CIVIL_U}"}}'
API = 'base: "https://api.civil.example/v1"'


@pytest.mark.parametrize(
    ("kind", "connect", "table", "reached"),
    [
        ("rest", API, "list: {path: /permits}", True),
        ("rest", API, "list: {path: /../permits}", False),
        ("rest", API, 'list: {path: "https://evil.example/x"}', False),
        ("rest", API, "list: {path: //evil.example/x}", False),
        ("rest", 'base: "https://api.civil.example.org"', "list: {path: /permits}", False),
        ("rest", 'base: "https://api.civil.example@evil.example"', "list: {path: /p}", False),
        ("rest", f"{API}, tls: {{ca: hub.pem}}", "list: {path: /permits}", False),
        ("rest", f'{API}, auth: {{bearer: "${{env:OTHER}}"}}', "list: {path: /p}", False),
        ("files", "path: /srv/civil/", "path: permits.csv", True),
        ("files", "path: /srv/civil/", "path: /etc/passwd", False),
        ("files", "path: /srv/civil/", "path: ../tax/permits.csv", False),
        ("files", "path: civil", "path: permits.csv", False),
        ("sql", 'url: "postgresql://db.civil.example/x"', "", True),
        ("sql", 'url: "postgresql://db.civil.example/x?host=evil.example"', "", False),
        ("sql", 'url: "postgresql://db.civil.example/,evil.example/x"', "", False),
        ("sql", 'url: "postgresql://db.civil.example:5432/x"', "", True),
        ("sql", 'url: "postgresql://db.civil.example:5432/${env:CIVIL_P}@evil.example"', "", False),
        ("files", 'path: "/srv/open?*.csv"', "", False),
        ("files", "path: /srv/open/more", "", True),
        ("rest", f"{API}, {TOKEN.replace('U}', 'U}.evil.example/')}", "list: {path: /p}", False),
        ("rest", f"{API}, {TOKEN}", "list: {path: /p}", True),
        ("soap", 'wsdl: /srv/civil/x.wsdl, address: "${env:CIVIL_U}@evil.example/"', "", False),
        ("soap", "wsdl: /srv/civil/x.wsdl", "", False),
        ("soap", f'wsdl: /srv/civil/x.wsdl, address: "{API[7:-1]}"', "", True),
        ("stream", 'url: "nats://events.civil.example/,nats://evil.example"', "", False),
        ("sql", 'url: "postgresql://db.civil.example/x", schema: public', "", True),
        ("graphql", 'url: "https://api.civil.example/q", schema: types.graphqls', "", False),
        ("brought", "host: tax.internal", "", False),
        ("brought", "host: /srv/open", "", True),
        ("rest", f"{API}, a: {{b: {{c: {{d: {{e: {{f: {{g: {{h: {{i: x}}}}}}}}}}}}}}}}", "", False),
    ],
)
def test_places_in_all_their_forms(kind: str, connect: str, table: str, *, reached: bool) -> None:
    fragment = read_fragment(REST.format(kind=kind, connect=connect, table=table), "x.yaml")
    places = ("https://api.civil.example", "/srv/civil/", "postgresql://db.civil.example/",
              "postgresql://db.civil.example:5432", "/srv/open",
              "nats://events.civil.example/")  # fmt: skip
    civil = Registrant(department="civil-affairs", places=places, references=("env:CIVIL_*",))
    found = unreachable(fragment, RegistrySettings(enabled=True, departments=(civil,)))
    assert (found == ()) is reached, found


@pytest.mark.parametrize("name", ["/etc/passwd", "../tax/pay.csv", "x/../../tax/pay.csv"])
def test_the_name_of_a_table_is_no_way_out(name: str) -> None:
    table = f'permits: {{}}, "{name}": {{format: csv}}'
    text = REST.replace("permits: {{{table}}}", table.replace("{", "{{").replace("}", "}}"))
    fragment = read_fragment(text.format(kind="files", connect="path: /srv/civil/"), "x.yaml")
    civil = Registrant(department="civil-affairs", places=("/srv/civil/",))
    found = unreachable(fragment, RegistrySettings(enabled=True, departments=(civil,)))
    assert [one.message for one in found] == [
        "`tables` names a place that `civil-affairs` may not reach"
    ]


def test_departments_that_nobody_listed_register_nothing(bureau: Bureau) -> None:
    bureau.register(bureau.civil().replace("civil-affairs", "water"))
    assert "`water` may not register sources" in bureau.run("check", "civil")[1]


def test_a_source_stays_its_departments(bureau: Bureau) -> None:
    bureau.register(bureau.civil())
    text = bureau.civil().replace("civil-affairs", "tax")
    said = bureau.register(text, "--based-on", "1")[1]
    assert "the source `civil` is another department's" in said


def test_what_others_depend_on_is_not_withdrawn(bureau: Bureau) -> None:
    bureau.published(bureau.civil(), "civil")
    bureau.published(bureau.tax(), "tax")
    status, said = bureau.run("withdraw", "civil", "--reason", "x")
    assert status == 1
    assert "registered:tax@1:4:3: without `civil`: `tax` of `tax` extends" in said
    assert bureau.good("withdraw", "tax", "--reason", "x").startswith("  gone: Person.arrears\n")
    bureau.good("withdraw", "civil", "--reason", "x")
    back = ("rollback", "tax", *bureau.key("li"), "--reason", "x", "--to", "1")
    assert "[COMPOSITION_FAILED]" in bureau.bad(*back)


def test_what_rules_name_is_not_withdrawn(bureau: Bureau) -> None:
    bureau.published(bureau.civil(), "civil")
    rules = bureau.home / "rules.yaml"
    rules.write_text(rules.read_text().replace("share: unconditional", "types: [Person]"))
    status, said = bureau.run("withdraw", "civil", "--reason", "x")
    assert status == 1
    assert "without `civil`:" in said
    assert "[POLICY_INVALID]" in said


def test_a_check_counts_for_one_catalogue(bureau: Bureau) -> None:
    bureau.published(bureau.civil(), "civil")
    bureau.register(bureau.tax())
    bureau.good("check", "tax")
    bureau.published(bureau.civil(SALARY), "civil", "--based-on", "5")
    assert "the catalogue has changed since it was checked" in bureau.bad("submit", "tax")
    bureau.good("check", "tax")
    bureau.good("submit", "tax")
    bureau.good("approve", "tax", *bureau.key("li"))
    # what is published meanwhile and does not touch what was approved keeps nobody up
    back = ("rollback", "civil", *bureau.key("li"), "--reason", "x", "--to", "1")
    bureau.good(*back)
    bureau.good("publish", "tax")


def test_what_changes_something_else_by_now_is_not_published(bureau: Bureau) -> None:
    bureau.published(bureau.civil(SALARY), "civil")
    bureau.submitted(bureau.civil(), "civil", "--based-on", "5")
    bureau.good("approve", "civil", *bureau.key("li"))
    rules = bureau.home / "hub.yaml"
    other = bureau.home / "more.yaml"
    text = bureau.tax().replace("name: tax,", "name: tax-files,")
    field = "salary: {type: Int, column: arrears, authoritative: false}"
    other.write_text(text.replace("arrears: {type: Int}", field))
    rules.write_text(rules.read_text().replace("fragments: []", 'fragments: ["more.yaml"]'))
    assert bureau.bad("publish", "civil").endswith(("FAILED]", "REFUSED]"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registration_texts SET text = replace(text, 'internal', 'public')",
        "UPDATE registration_versions SET approval = NULL",
        "UPDATE registration_versions SET version = 2; --",
    ],
)
def test_what_nobody_approved_is_not_loaded(bureau: Bureau, statement: str) -> None:
    bureau.published(bureau.civil(), "civil")
    altered(bureau, statement.split(";")[0])
    if "version = 2" in statement:
        altered(bureau, "UPDATE catalogue_versions SET fragments = '{\"civil\": 2}'")
    bureau.register(bureau.tax())
    assert "[REGISTRATION_INVALID]" in bureau.bad("check", "tax")


def test_what_was_approved_takes_the_place_of_one_version_only(bureau: Bureau) -> None:
    for name in ("second", "third"):
        (bureau.home / f"{name}.sqlite").write_bytes((bureau.home / "civil.sqlite").read_bytes())
    second, third = (
        bureau.civil().replace("civil.sqlite", f"{name}.sqlite") for name in ("second", "third")
    )
    bureau.published(bureau.civil(), "civil")
    bureau.published(second, "civil", "--based-on", "5")
    bureau.submitted(third, "civil", "--based-on", "10")
    bureau.good("approve", "civil", *bureau.key("li"))
    bureau.good("rollback", "civil", *bureau.key("wang"), "--reason", "wrong", "--to", "1")
    said = bureau.bad("publish", "civil")
    assert "version 3 was begun in the place of another version" in said
    bureau.good("recall", "civil")
    bureau.submitted(third, "civil", "--based-on", "16")
    bureau.good("approve", "civil", *bureau.key("li"))
    bureau.good("publish", "civil")


def test_places_that_were_narrowed_hold_for_what_was_checked_before(bureau: Bureau) -> None:
    bureau.published(bureau.civil(), "civil")
    bureau.published(bureau.civil(SALARY), "civil", "--based-on", "5")
    bureau.submitted(bureau.civil(), "civil", "--based-on", "10")
    config = bureau.home / "hub.yaml"
    allowed = f'civil-affairs, places: ["sqlite:///{bureau.home}/"]'
    wide = config.read_text()
    config.write_text(wide.replace(allowed, "civil-affairs, places: []"))
    told = "`url` names a place that `civil-affairs` may not reach"
    back = ("rollback", "civil", *bureau.key("li"), "--reason", "x", "--to", "1")
    assert told in bureau.run(*back)[1]
    assert told in bureau.run("approve", "civil", *bureau.key("li"))[1]
    config.write_text(wide)
    bureau.good("approve", "civil", *bureau.key("li"))
    config.write_text(wide.replace(allowed, "civil-affairs, places: []"))
    assert told in bureau.run("publish", "civil")[1]


def test_a_hub_of_files_registers_nothing(bureau: Bureau) -> None:
    config = bureau.home / "hub.yaml"
    config.write_text(config.read_text().replace("enabled: true", "enabled: false"))
    assert "this hub takes its sources from files" in bureau.bad("list")


def test_owners_floors_are_kept(bureau: Bureau) -> None:
    config = bureau.home / "hub.yaml"
    config.write_text(config.read_text().replace("release:\n", "release:\n  required: true\n"))
    bureau.published(bureau.civil(), "civil")
    bureau.published(bureau.tax(), "tax")
    words = ["policy", "floor", "sign", *bureau.key("tax"), "--config", str(config)]
    assert run(words) == 0
    lower = bureau.tax().replace("label: internal", "label: public")
    bureau.register(lower, "--based-on", "5")
    status, said = bureau.run("check", "tax")
    assert status == 1
    assert "[FLOOR_LOWERED]" in said
