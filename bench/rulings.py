"""Rulings at 1,000 rules over 2,000 fields of 20 departments, with floors, grants and a pack."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from policies.engine import Engine
from policies.grant_syntax import read_grants
from policies.packs import load
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.catalogue import Catalogue
from schema.model.names import DepartmentName
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse

DEPARTMENTS, TYPES, FIELDS, RULES, GRANTS, APPS = 20, 150, 2_000, 1_000, 50, 60
LADDER = "cn-gbt43697"
CEILING = {LADDER: "IMPORTANT", "cn-secrecy": "NONE"}
NOON = 1_790_000_000.0
LEVELS = ("G1", "G2", "G2", "G3", "G3", "G4")
PERSONAL = ("pi", "pi.sensitive.health", "pi.sensitive.finance", "pi.sensitive.identity")
PURPOSES = (
    "benefits.eligibility", "benefits.payment", "tax.audit", "tax.collection", "statistics",
    "grassroots.visit", "supervision", "talent", "case", "emergency",
)  # fmt: skip
KINDS = ("String", "String", "String", "String", "Date", "Int", "Decimal", "Boolean")
ROLES = ("clerk", "analyst", "officer", "auditor", "inspector")
TIERS = ("province", "city", "county", "township")
COUNTS = [FIELDS // TYPES + (number < FIELDS % TYPES) for number in range(TYPES)]


def department(number: int) -> int:
    """The department of a type."""
    return number % DEPARTMENTS


def _field(chance: random.Random, type_number: int, number: int) -> str:
    kind = KINDS[number % len(KINDS)]
    said = [f"type: {kind}"]
    if chance.random() < 0.5:
        categories = chance.sample(PERSONAL, 1) if chance.random() < 0.6 else ["business"]
        said.append(
            f"label: {{level: {chance.choice(LEVELS)}, categories: [{', '.join(categories)}]}}"
        )
    share = chance.random()
    if share < 0.3:
        said += ["share: conditional", "conditions: [duty-purpose]"]
    elif share < 0.33:
        said += ["share: withheld", "legal_basis: [law-1]"]
    if type_number % 7 == 3 and number == 3:
        said.append("floor: {outcome: {mask: {partial: {keep_last: 4}}}}")
    if type_number % 11 == 5 and number == 4:
        said.append("floor: {outcome: {mask: {generalise: {to: year}}}, min_level: G2}")
    return f"      f{number}: {{{', '.join(said)}}}"


def fragments() -> list[str]:
    """One fragment a department: 7 or 8 types of 13 or 14 fields, keys and relations."""
    chance, texts = random.Random(7), []
    for owner in range(DEPARTMENTS):
        lines = [
            "hub: 1",
            f"source: {{name: s{owner}, department: d{owner}, region: '3301', kind: sql, "
            "connect: {url: 'sqlite:///x'}}",
            "types:",
        ]
        own = [number for number in range(TYPES) if department(number) == owner]
        for number in own:
            lines += [
                f"  T{number}:",
                f"    plural: t{number}s",
                "    key: [code]",
                f"    from: {{table: t{number}}}",
                f"    label: {{level: {chance.choice(LEVELS)}}}",
                "    share: unconditional",
                "    region: area",
                *(["    floor: {purposes: [benefits, tax, case]}"] if number % 29 == 8 else []),
                "    fields:",
                "      code: {type: String, label: G1}",
                "      area: {type: String, label: G1}",
                "      person: {type: String, label: {level: G2, categories: [pi]}}",
            ]
            lines += [_field(chance, number, n) for n in range(COUNTS[number] - 3)]
        lines.append("relations:")
        for number in own:
            lines.append(
                f'  T{number}.next: {{to: "[T{(number + 1) % TYPES}]", match: {{person: person}}}}'
            )
            lines.append(
                f'  T{number}.all: {{to: "[T{(number + 9) % TYPES}]", match: {{area: area}}}}'
            )
        texts.append("\n".join(lines) + "\n")
    return texts


def _subjects(chance: random.Random) -> str:
    said = [
        f"app: [{', '.join(f'a{n}' for n in sorted(chance.sample(range(APPS), 3)))}]",
        f"department: [d{chance.randrange(DEPARTMENTS)}, d{chance.randrange(DEPARTMENTS)}]",
        f"role: {chance.choice(ROLES)}",
        f"tier: {chance.choice(TIERS)}",
    ]
    purpose = chance.choice([*PURPOSES, "{descendant_of: benefits}", "{descendant_of: tax}"])
    return f"subjects: {{{chance.choice(said)}, purpose: {purpose}}}"


def _names(chance: random.Random, number: int, kind: str, most: int = 3) -> str:
    """Fields of a type that have a kind."""
    held = [n for n in range(COUNTS[number] - 3) if KINDS[n % len(KINDS)] == kind]
    picked = sorted(chance.sample(held, min(most, len(held))))
    return ", ".join(f"T{number}.f{n}" for n in picked)


def _permit(chance: random.Random, number: int, t: int) -> list[str]:
    said = ["effect: permit", _subjects(chance)]
    if number % 4 == 0:
        said.append(f"resources: {{fields: [{_names(chance, t, 'String')}, T{t}.code]}}")
        said.append("modes: [read, filter_eq, sort]")
    else:
        more = ", share: conditional" if number % 4 == 1 else ""
        said.append(f"resources: {{types: [T{t}, T{(t + 1) % TYPES}]{more}}}")
        said.append(f"modes: [{chance.choice(['read', 'all', 'read, filter, sort'])}]")
    if number % 3 == 0:
        said.append("rows: {region_within: [row.region, subject.region]}")
    if number % 25 == 0:
        said.append(
            "window: {days: [mon, tue, wed, thu, fri], from: '00:00', to: '23:59', "
            "zone: Asia/Shanghai}"
        )
    if number % 20 == 0:
        said.append("obligations: [{retain: {days: 90}}, no_store]")
    if number % 30 == 1:
        said.append("when: {in: [context.network_zone, [extranet, intranet]]}")
    return said


def _forbid(chance: random.Random, number: int, t: int) -> list[str]:
    if number % 3 == 0:
        return [
            "effect: forbid", f"subjects: {{app: a{chance.randrange(APPS)}}}",
            f"resources: {{categories: [{chance.choice(PERSONAL[1:])}]}}", "outcome: hidden",
        ]  # fmt: skip
    if number % 3 == 1:
        return [
            "effect: forbid", f"resources: {{types: [T{t}]}}", "modes: [all]",
            f"when: {{all: [{{present: subject.acting_for}}, {{eq: [subject.acting_for, x{t}]}}]}}",
        ]  # fmt: skip
    return [
        "effect: forbid", f"subjects: {{role: {chance.choice(ROLES)}, tier: township}}",
        f"resources: {{fields: [{_names(chance, t, 'Decimal')}]}}", "unless: grant.live",
    ]  # fmt: skip


def _require(chance: random.Random, number: int, t: int) -> list[str]:
    who = f"subjects: {{tier: {chance.choice(TIERS)}}}"
    match number % 4:
        case 0:
            mask, fields = "partial: {keep_last: 4}", _names(chance, t, "String")
        case 1:
            mask, fields = "generalise: {to: year}", _names(chance, t, "Date")
        case 2:
            mask, fields = "bucket: {width: 1000}", _names(chance, t, "Int")
        case _:
            return [
                "effect: require", who, f"resources: {{types: [T{t}]}}", "modes: [all]",
                "rows: {region_within: [row.region, subject.region]}",
            ]  # fmt: skip
    return [
        "effect: require", who, f"resources: {{fields: [{fields}]}}", "modes: [project]",
        "unless: resource.owned", f"outcome: {{mask: {{{mask}}}}}",
    ]  # fmt: skip


def rules() -> str:
    """Of twenty: sixteen permits, two forbids, two requires; ten more are about everything."""
    chance, found = random.Random(11), []
    for number, level in enumerate(("G3", "G4") * 5):
        found.append(
            f"policy: wide-{number}\neffect: forbid\nsubjects: {{role: visitor{number}}}\n"
            f"resources: {{level: {{at_least: {level}}}}}"
        )
    for number in range(RULES - len(found)):
        t = number % TYPES
        match number % 20:
            case 7 | 17:
                said = _forbid(chance, number, t)
            case 9 | 19:
                said = _require(chance, number // 10, t)
            case _:
                said = _permit(chance, number, t)
        found.append("\n".join([f"policy: r{number}", f"owner: d{t % DEPARTMENTS}", *said]))
    return "\n---\n".join(found) + "\n"


def grants() -> str:
    """One for each of the first apps."""
    chance, found = random.Random(13), []
    for number in range(GRANTS):
        fields = _names(chance, number, "String", 2).split(", ")
        said = "\n".join(f"  {name}: allow" for name in fields)
        found.append(
            f"grant: g{number}\ngrantee: {{app: a{number}}}\n"
            f"purpose: {{descendant_of: benefits}}\nfields:\n{said}\n"
            "from: 2026-01-01\nexpires: 2026-12-31\nzone: Asia/Shanghai\n"
        )
    return "---\n".join(found)


def subject(number: int) -> Subject:
    """Callers of as many classes as there are numbers."""
    return Subject(
        id=f"a{number % APPS}",
        app=f"a{number % APPS}",
        department=DepartmentName(f"d{number * 3 % DEPARTMENTS}"),
        org_kind="government",
        tier=TIERS[number % 4],
        region=f"3301{number % 10:02d}",
        roles=frozenset({ROLES[number % 5]}),
        purposes=frozenset(PURPOSES),
        clearance={LADDER: "G4", "cn-secrecy": "NONE"},
    )


def operation(catalogue: Catalogue, number: int) -> tuple[FieldUse, ...]:
    """Twenty uses: a list of one type, filtered and ordered, and a related type."""
    names = list(catalogue.types)
    here = catalogue.types[names[number % len(names)]]
    there = catalogue.types[here.relations["next"].to]  # type: ignore[index]
    asked = [FieldUse(here.name, "list"), FieldUse(here.name, "count")]  # type: ignore[arg-type]

    def of(owner: str, names: Sequence[str], mode: str) -> None:
        asked.extend(FieldUse(f"{owner}.{name}", mode) for name in names)  # type: ignore[arg-type]

    of(here.name, list(here.fields)[:10], "project")
    of(here.name, ["area", "code"], "filter_eq")
    of(here.name, ["code"], "sort")
    of(here.name, ["next"], "traverse")
    of(there.name, list(there.fields)[2:6], "project")
    return tuple(asked)


def measure(samples: int = 60) -> dict[str, float]:
    """Seconds to read and to compile; medians of rulings by what was seen before."""
    packs = load(["cn"])
    read = [read_fragment(text, f"d{n}.yaml") for n, text in enumerate(fragments())]
    catalogue = compose(read, packs.scheme, ceiling=CEILING)
    started = time.perf_counter()
    bundle, approved = read_bundle(rules(), "bench.yaml"), read_grants(grants(), "grants.yaml")
    parsed = time.perf_counter()
    engine = Engine(catalogue, [bundle], packs, epoch=1, ceiling=CEILING, grants=approved)
    compiled = time.perf_counter()

    def ruled(who: int, what: int) -> float:
        context = Context(purpose=PURPOSES[who % len(PURPOSES)], now=NOON, network_zone="intranet")
        by, asked = subject(who), operation(catalogue, what)
        begun = time.perf_counter()
        engine.rule(by, asked, context)
        return time.perf_counter() - begun

    strangers = [ruled(n, n * 7) for n in range(samples)]
    fresh = [ruled(n, n * 7 + 3) for n in range(samples)]
    known = [ruled(n, n * 7) for n in range(samples) for _ in range(20)]
    return {
        "rules": len(engine.rules),
        "fields": sum(len(of.fields) for of in catalogue.types.values()),
        "grants": len(approved),
        "read_s": round(parsed - started, 3),
        "compile_s": round(compiled - parsed, 3),
        "uses": len(operation(catalogue, 0)),
        "new_class_ms": round(statistics.median(strangers) * 1000, 3),
        "fresh_ms": round(statistics.median(fresh) * 1000, 3),
        "known_us": round(statistics.median(known) * 1e6, 1),
    }


if __name__ == "__main__":
    print(measure())
