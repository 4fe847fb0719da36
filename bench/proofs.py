"""Proofs at 300 rules and 12 assertions over 30 types."""

from __future__ import annotations

import time

from policies.engine import Engine
from policies.packs import load
from policies.prove.assertion_syntax import read_assertions
from policies.prove.change import compare
from policies.prove.prover import prove
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose

TYPES, RULES = 30, 300
CEILING = {"plain": "restricted"}
ASSERTIONS = """
assert: levels
nobody: {below: restricted}
reads: raw
of: {level: {at_least: restricted}}
---
assert: internal-levels
nobody: {below: internal}
reads: raw
of: {types: ["*"]}
---
assert: officers
nobody: {role: officer}
reads: anything
of: {types: ["*"]}
---
assert: outside
nobody: {outside: [d0]}
reads: masked
of: {fields: [T0.f1]}
---
assert: purposes
readers: {states: purpose}
reads: masked
of: {types: ["*"]}
---
assert: masks
shows_at_most: {mask: {partial: {keep_last: 4}}}
of: {fields: [T3.f2, T4.f2]}
---
assert: own-region
readers: {when: {region_within: [row.f3, subject.region]}}
reads: masked
of: {types: [T5]}
---
assert: apart
nobody_both: [{of: {fields: [T6.f1]}}, {of: {fields: [T7.f1]}}]
---
assert: permits
permits: {states: purpose}
of: {types: ["*"]}
---
assert: no dead rules
---
assert: no shadowed rules
---
assert: no contradictory requires
"""


def fragment() -> str:
    lines = [
        "hub: 1",
        "source: {name: s, department: d0, region: '3301', kind: sql, connect: {url: 'sqlite:///x'}}",
        "types:",
    ]
    for t in range(TYPES):
        lines += [
            f"  T{t}:",
            f"    plural: t{t}s",
            "    key: [code]",
            f"    from: {{table: t{t}}}",
            "    label: internal",
            "    share: unconditional",
            "    fields:",
            "      code: {type: String}",
        ]
        lines += [f"      f{f}: {{type: String}}" for f in range(8)]
    return "\n".join(lines) + "\n"


def rules(keep: int = 4) -> str:
    found = [
        "policy: officers\neffect: forbid\nsubjects: {role: officer}\nresources: {types: ['*']}"
    ]
    for number in range(RULES - 1):
        t, kind = number % TYPES, number // TYPES % 5
        app = f"a{t}-{number // TYPES // 5}"
        whom = f"subjects: {{app: [{app}], purpose: administration}}"
        text = f"policy: r{number}\neffect: {'require' if kind == 4 else 'permit'}\n{whom}\n"
        if kind == 4:
            text += f"resources: {{fields: [T{t}.f2]}}\n"
            text += f"outcome: {{mask: {{partial: {{keep_last: {keep}}}}}}}"
        elif kind == 3:
            text += (
                f"resources: {{types: [T{t}]}}\nrows: {{region_within: [row.f3, subject.region]}}"
            )
        else:
            text += (
                f"resources: {{fields: [T{t}.f{kind}, T{t}.f{kind + 2}]}}\nmodes: [read, filter]"
            )
        found.append(text)
    return "\n---\n".join(found)


def measure() -> dict[str, float | str]:
    packs = load(["plain"])
    catalogue = compose([read_fragment(fragment(), "d.yaml")], packs.scheme, ceiling=CEILING)
    old, new = (
        Engine(catalogue, [read_bundle(rules(keep), "r.yaml")], packs, epoch=1, ceiling=CEILING)
        for keep in (4, 2)
    )
    assertions = read_assertions(ASSERTIONS, "a.assert.yaml")
    begun = time.perf_counter()
    results = prove(old, assertions)
    proved = time.perf_counter()
    kind = compare(old, new).kind
    compared = time.perf_counter()
    return {
        "rules": RULES,
        "assertions": len(results),
        "undecided": sum(result.verdict == "undecided" for result in results),
        "prove_s": round(proved - begun, 2),
        "slowest": max(results, key=lambda result: result.seconds).assertion.name,
        "slowest_s": round(max(result.seconds for result in results), 2),
        "change": kind,
        "compare_s": round(compared - proved, 2),
    }


if __name__ == "__main__":
    print(measure())
