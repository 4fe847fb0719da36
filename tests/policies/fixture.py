"""The fixture of the scenarios: a few departments, fields with labels, and who asks."""

from __future__ import annotations

from policies.engine import Engine
from policies.packs import Packs, load
from policies.rule import Bundle
from policies.ruling import Outcome, Ruling
from policies.syntax import read_bundle
from schema.model.binding import SourceDecl
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, MetadataVisibility, Relation, Share
from schema.model.label import Label
from schema.model.names import Coordinate, DepartmentName, FieldName, SourceName, TypeName
from schema.model.scalar import ScalarKind
from schema.model.subject import Context, Subject
from schema.model.use import AggregateFunction, FieldUse, UseMode

PACKS: Packs = load(["cn"])
LADDER = "cn-gbt43697"
CEILING = {LADDER: "IMPORTANT", "cn-secrecy": "NONE"}
NOON = 1_790_000_000.0  # 2026-09-21 22:13:20 in Shanghai


def label(level: str, *categories: str, compartments: tuple[str, ...] = ()) -> Label:
    return Label(
        levels=((LADDER, level),),
        categories=frozenset(categories),
        compartments=frozenset(compartments),
    )


def field(
    name: str,
    held: Label,
    share: Share = "unconditional",
    kind: ScalarKind = "String",
    owner: str = "psb",
    metadata: MetadataVisibility = "public",
) -> Field:
    return Field(
        name=FieldName(name),
        kind=kind,
        label=held,
        share=share,
        owner=DepartmentName(owner),
        source=SourceName(owner),
        metadata=metadata,
    )


def relation(of: str, name: str, to: str) -> Relation:
    return Relation(
        name=FieldName(name),
        of=TypeName(of),
        to=TypeName(to),
        many=True,
        match=((FieldName("idNo"), FieldName("idNo")),),
        owner=DepartmentName("psb"),
    )


def entity(
    name: str, *fields: Field, region: str | None = None, relations: tuple[Relation, ...] = ()
) -> EntityType:
    return EntityType(
        name=TypeName(name),
        plural=FieldName(f"{name.lower()}s"),
        singular=FieldName(name.lower()),
        keys=((fields[0].name,),),
        fields={one.name: one for one in fields},
        relations={one.name: one for one in relations},
        owner=fields[0].owner,
        anchor=fields[0].source,
        region=None if region is None else FieldName(region),
    )


def catalogue(*types: EntityType) -> Catalogue:
    owners = {one.owner for of in types for one in of.fields.values()}
    return Catalogue(
        version="1",
        scheme=PACKS.scheme,
        types={of.name: of for of in types},
        sources={
            SourceName(owner): SourceDecl(name=SourceName(owner), department=owner, kind="memory")
            for owner in owners
        },
        bindings={},
    )


CITY = catalogue(
    entity(
        "Person",
        field("idNo", label("G3", "pi"), "conditional"),
        field("name", label("G2", "pi")),
        field("birthDate", label("G2", "pi"), "conditional", "Date"),
        field("phone", label("G3", "pi"), "conditional"),
        field(
            "keyWatch",
            label("IMPORTANT", "pi", "le", compartments=("LE",)),
            "withheld",
            metadata="hidden",
        ),
        field("track", label("G4", "pi.sensitive.location"), "conditional"),
        field("district", label("G1")),
        region="district",
        relations=(relation("Person", "incomes", "Income"), relation("Person", "health", "Health")),
    ),
    entity(
        "Income",
        field("idNo", label("G3", "pi"), "conditional", owner="tax"),
        field("amount", label("G3", "pi.sensitive.finance"), "conditional", "Decimal", "tax"),
    ),
    entity(
        "Health",
        field("idNo", label("G3", "pi"), "conditional", owner="health"),
        field("diagnosis", label("G4", "pi.sensitive.health"), "conditional", owner="health"),
        field(
            "hiv",
            label("G4", "pi.sensitive.health"),
            "withheld",
            owner="health",
            metadata="hidden",
        ),
    ),
    entity(
        "Aid",
        field("number", label("G1"), owner="civil"),
        field("status", label("G2", "pi"), owner="civil"),
        field("district", label("G1"), owner="civil"),
        region="district",
    ),
    entity(
        "Firm",
        field("creditCode", label("G1"), owner="market"),
        field("arrears", label("G3", "business"), "conditional", "Decimal", "tax"),
    ),
    entity("Map", field("pipeline", label("IMPORTANT", "infra"), "conditional", owner="water")),
)

RULES = """
policy: benefits-persons
effect: permit
subjects: {app: benefits, purpose: {descendant_of: benefits}, region_within: "3301"}
resources: {fields: [Person.idNo, Person.name, Person.birthDate, Person.incomes]}
modes: [read, filter_eq]
---
policy: benefits-birth-year
effect: require
subjects: {app: benefits}
resources: {fields: [Person.birthDate]}
outcome: {mask: {generalise: {to: year}}}
---
policy: benefits-income
effect: permit
subjects: {app: benefits, purpose: {descendant_of: benefits}}
resources: {fields: [Income.amount, Income.idNo]}
outcome: allow
---
policy: income-in-buckets
effect: require
subjects: {department: [civil, health]}
resources: {fields: [Income.amount]}
outcome: {mask: {bucket: {width: 1000}}}
---
policy: open-to-government
effect: permit
subjects: {purpose: {descendant_of: [tax, benefits]}}
resources: {share: unconditional, categories: [pi]}
modes: [read, filter, sort]
---
policy: own-data
effect: permit
subjects: {org_kind: government}
when: resource.owned
resources: {types: ["*"]}
modes: [read, filter, sort]
---
policy: township-aid
effect: permit
subjects: {tier: township}
resources: {types: [Aid, Person]}
modes: [read, filter, sort]
rows: {region_within: [row.region, subject.region]}
---
policy: township-masks
effect: require
when: {eq: [subject.tier, township]}
resources: {fields: [Person.idNo, Person.phone]}
outcome: {mask: {partial: {keep_last: 4}}}
---
policy: key-watch
effect: permit
subjects: {department: psb, purpose: case}
when: {present: context.case_id}
resources: {fields: [Person.keyWatch]}
---
policy: diagnosis-by-mistake
effect: permit
subjects: {app: tax}
resources: {fields: [Health.diagnosis]}
---
policy: analyst
effect: permit
subjects: {role: analyst}
resources: {fields: [Person.district, Person.birthDate, Income.amount]}
modes: [group, aggregate, count]
"""


def bundle(text: str = RULES, path: str = "rules.yaml") -> Bundle:
    return read_bundle(text, path)


def engine(text: str = RULES, of: Catalogue = CITY) -> Engine:
    return Engine(of, [bundle(text)], PACKS, epoch=7, ceiling=CEILING)


def subject(
    app: str,
    level: str = "G4",
    *purposes: str,
    department: str | None = None,
    tier: str | None = "city",
    region: str | None = "3301",
    org_kind: str | None = "government",
    roles: frozenset[str] = frozenset(),
    compartments: frozenset[str] = frozenset(),
) -> Subject:
    return Subject(
        id=f"app:{app}",
        app=app,
        department=None if department is None else DepartmentName(department),
        tier=tier,
        region=region,
        org_kind=org_kind,
        clearance={LADDER: level},
        purposes=frozenset(purposes),
        roles=roles,
        compartments=compartments,
    )


A = subject("benefits", "G4", "benefits.eligibility", department="civil")
B = subject("tax", "G3", "tax.audit", department="tax")
T = subject(
    "desk", "G3", "grassroots", department="town", tier="township", region="330102001"
)  # fmt: skip
H = subject("health", "G4", "case", department="health")
N = subject("numbers", "G3", "statistics", department="data", roles=frozenset({"analyst"}))
Q = subject("police", "IMPORTANT", "case", department="psb", compartments=frozenset({"LE"}))
O = subject("console", "G4", department="data", roles=frozenset({"security-officer"}))  # noqa: E741
U = subject("audit", "G4", department="data", roles=frozenset({"auditor"}))


def use(
    coordinate: str, mode: UseMode = "project", function: AggregateFunction | None = None
) -> FieldUse:
    return FieldUse(Coordinate(coordinate), mode, function)


def ruled(
    by: Engine,
    who: Subject,
    *uses: FieldUse,
    purpose: str | None = None,
    case_id: str | None = None,
    now: float = NOON,
) -> Ruling:
    return by.rule(who, uses, Context(purpose=purpose, now=now, case_id=case_id))


def outcome(
    by: Engine,
    who: Subject,
    asked: FieldUse,
    purpose: str | None = None,
    case_id: str | None = None,
    now: float = NOON,
) -> Outcome:
    return ruled(by, who, asked, purpose=purpose, case_id=case_id, now=now).outcomes[asked]
