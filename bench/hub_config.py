"""Configurations of the hub under measurement: policies simple or full, audit off or on."""

from __future__ import annotations

from pathlib import Path

from bench.world import write_fragments

SIMPLE = """policy: all-for-the-bench
version: 1
owner: bench
effect: permit
subjects: {app: [bench]}
resources: {types: [Person, Employment, Employer]}
modes: [all]
"""
FULL = """policy: persons-of-the-region
version: 1
owner: bench
effect: permit
subjects: {app: [bench], department: [civil-affairs], purpose: {descendant_of: administration}}
resources: {types: [Person]}
modes: [all]
rows: {region_within: [row.region, subject.region]}
---
policy: work-and-firms
version: 1
owner: bench
effect: permit
subjects: {app: [bench], purpose: {descendant_of: administration}}
resources: {types: [Employment, Employer]}
modes: [all]
---
policy: phones-are-partial
version: 1
owner: bench
effect: require
resources: {fields: [Person.phone]}
modes: [project]
outcome: {mask: {partial: {keep_last: 4}}}
---
policy: nobody-at-night
version: 1
owner: bench
effect: forbid
subjects: {role: [night]}
resources: {types: [Person]}
modes: [all]
"""


def write_config(directory: Path, *, port: int, full: bool, audit: bool) -> Path:
    """A folder with fragments, bundle and configuration; gives the configuration's path."""
    directory.mkdir(parents=True, exist_ok=True)
    write_fragments(directory)
    (directory / "policy.yml").write_text(FULL if full else SIMPLE, encoding="utf-8")
    file = directory / "hub.yaml.conf"
    file.write_text(
        f"""fragments: ["*.yaml"]
policies: [policy.yml]
packs: [plain]
ceiling: {{plain: restricted}}
instance: {{mode: development}}
listen: {{host: 127.0.0.1, port: {port}, workers: 1, reload_poll_s: 0}}
state: {{directory: state}}
auth: {{development_issuer: {{directory: issuer}}}}
audit: {{enabled: {str(audit).lower()}}}
telemetry: {{log_level: warning}}
""",
        encoding="utf-8",
    )
    return file


CLAIMS = {
    "sub": "bench",
    "app": "bench",
    "department": "civil-affairs",
    "org_kind": "government",
    "tier": "city",
    "region": "3301",
    "clearance": {"plain": "restricted"},
    "purposes": ["administration"],
}
PURPOSE = "administration"
