"""What pack files may say: clocks, calendars, purposes, registration; and faults in them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from policies.packs import load
from schema.errors import HubError

GOOD = """\
pack: local
version: 1
time_zone: Asia/Shanghai
ladders:
  - {id: work, levels: [open, inner, shut]}
categories:
  child: {by_row: {age_below: 14, source: a law}}
share_types:
  unconditional: {title: {en: Free}, source: a law}
purposes:
  visits: {compatible_with: [figures]}
  visits.home: {parent: visits}
  figures: {}
  figures.census: {parent: figures}
clocks:
  reply:
    start_event: request.received
    days: 3
    calendar: office
    extension: {days: 2, needs: data_authority}
    on_expiry: alert
    source: a law
calendars:
  office:
    years: [2026]
    weekend: [fri, sat]
    holidays: [2026-05-01]
    working_days: [2026-05-02]
registration: {refuse: {ladder: work, above: inner}}
lint: {label_basis: true}
"""


def written(folder: Path, text: str, name: str = "local") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_all_that_a_pack_may_say(tmp_path: Path) -> None:
    packs = load([written(tmp_path, GOOD)])
    clock = packs.clocks["reply"]
    assert (clock.days, clock.calendar, clock.on_expiry) == (3, "office", "alert")
    assert clock.extension is not None
    assert (clock.extension.days, clock.extension.needs) == (2, "data_authority")
    assert (clock.source, clock.verified) == ("a law", False)
    assert packs.calendars["office"].weekend == {4, 5}
    assert packs.calendars["office"].zone == "Asia/Shanghai"
    assert packs.scheme.registrable == {"work": "inner"}
    assert packs.ages == {"child": 14}
    assert packs.titles["unconditional"] == {"en": "Free"}
    assert packs.label_basis
    assert not load(["cn"]).label_basis


def test_compatible_purposes(tmp_path: Path) -> None:
    packs = load([written(tmp_path, GOOD)])
    assert packs.compatible("visits", "visits")
    assert packs.compatible("visits", "visits.home")
    assert packs.compatible("visits", "figures.census")
    assert not packs.compatible("figures", "visits"), "not the other way round"
    assert not packs.compatible("visits.home", "figures"), "not what a wider purpose may"
    assert not packs.compatible("visits.home", "visits")
    assert not packs.compatible("unheard-of", "unheard-of")


@pytest.mark.parametrize(
    ("old", "new", "said", "line"),
    [
        ("on_expiry: alert", "on_expiry: auto_permit", "cannot `auto_permit` on expiry", 21),
        ("on_expiry: alert", "on_expiry: permit", "cannot `permit` on expiry", 21),
        ("on_expiry: alert", "on_expiry: ''", "on expiry", 21),
        ("calendar: office", "calendar: offcie", "no known calendar", 19),
        ("days: 3", "days: 0", "does not run for 1 to", 16),
        ("days: 2, needs", "days: -1, needs", "does not run for 1 to", 16),
        ("needs: data_authority", "needs: ''", "what starts or extends it", 16),
        ("[fri, sat]", "[fri, sunday]", "unknown time zone or day", 24),
        ("Asia/Shanghai", "Asia/Nowhere", "unknown time zone or day", 24),
        ("years: [2026]", "years: []", "covers no year", 25),
        ("years: [2026]", "years: [2025]", "of a year that it does not cover", 27),
        ("holidays: [2026-05-01]", "holidays: [2026-05-02]", "both off and worked", 28),
        ("working_days: [2026-05-02]", "working_days: [2026-05-04]", "worked anyway", 28),
        ("holidays: [2026-05-01]", "holidays: [2026-05-01, 2026-05-01]", "twice", 27),
        ("[figures]", "[figuers]", "compatible with no known one", 11),
        ("parent: visits", "parent: visit", "no parent `visit`", 12),
        ("ladder: work", "ladder: werk", "no ladder `werk`", 29),
        ("above: inner", "above: outer", "no level `outer`", 29),
        ("[open, inner, shut]", "[open, inner, inner]", "or one twice", 4),
        ("pack: local", "pack: Local", "not a name", 1),
    ],
)
def test_faults_are_told_with_their_place(
    tmp_path: Path, old: str, new: str, said: str, line: int
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(HubError, match=said) as caught:
        load([path])
    assert caught.value.code == "CONFIG_INVALID"
    assert (caught.value.where or "").startswith(f"{path}:{line}:")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("on_expiry: alert", "", "missing required field `on_expiry`"),
        ("days: 3", "days: three", "faulty rule pack"),
        ("2026-05-01]", "2026-13-01]", "faulty rule pack"),
        ("    source: a law\n", "    sauce: a law\n", "unknown field `sauce`"),
        ("unconditional: {", "sometimes: {", "faulty rule pack"),
        ("pack: local", "- pack", "faulty rule pack"),
        ("version: 1", "version: 1\nversion: 2", "given twice"),
    ],
)
def test_what_is_no_pack(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(HubError, match=said) as caught:
        load([written(tmp_path, GOOD.replace(old, new, 1))])
    assert caught.value.code == "CONFIG_INVALID"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "local.yaml"
    path.write_bytes(b"pack: \xff")
    with pytest.raises(HubError, match="not UTF-8"):
        load([str(path)])


@pytest.mark.parametrize("order", list(permutations(["cn", "us", "uk", "gdpr"], 3)))
def test_the_order_of_packs_does_not_matter(order: tuple[str, ...]) -> None:
    one, other = load(order), load(sorted(order))
    assert one.ids == order
    for name in ("scheme", "sensitive", "purposes", "compatibles", "ages", "clocks", "calendars"):
        assert getattr(one, name) == getattr(other, name)
    assert [held.pack for held in one.rules] == [held.pack for held in other.rules]


OTHER = GOOD.replace("pack: local", "pack: other")


def test_two_packs_may_say_the_same(tmp_path: Path) -> None:
    ids = [written(tmp_path, GOOD), written(tmp_path, OTHER, "other")]
    assert load(ids).scheme == load(ids[::-1]).scheme == load(ids[:1]).scheme
    assert load([ids[0], ids[0]]).ids == ("local",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[open, inner, shut]", "[open, shut, inner]"),
        ("parent: visits", "parent: figures"),
        ("{compatible_with: [figures]}", "{}"),
        ("days: 3", "days: 30"),
        ("on_expiry: alert", "on_expiry: escalate"),
        ("[2026-05-01]", "[2026-05-03]"),
        ("above: inner", "above: open"),
        ("age_below: 14", "age_below: 16"),
    ],
)
def test_two_packs_that_disagree(tmp_path: Path, old: str, new: str) -> None:
    assert old in OTHER
    ids = [written(tmp_path, GOOD), written(tmp_path, OTHER.replace(old, new, 1), "other")]
    for order in (ids, ids[::-1]):
        with pytest.raises(HubError, match="says something else about") as caught:
            load(order)
        assert "`local`" in caught.value.message
        assert "`other`" in caught.value.message


def test_two_files_of_one_name(tmp_path: Path) -> None:
    ids = [written(tmp_path, GOOD), written(tmp_path, GOOD, "copy")]
    with pytest.raises(HubError, match="two rule packs are named `local`"):
        load(ids)
