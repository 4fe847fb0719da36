"""An office whose department has a fragment that can be raised, lowered and moved about."""

from __future__ import annotations

from collections.abc import Mapping

from hub.loading import load_files
from hub.rollout.floor import lowered
from hub.rollout.floors import Signing, floors_of, keep_floors, sign_floor
from hub.rollout.signature import Envelope
from schema.errors import HubError
from tests.hub.rollout.office import Office

FIELDS = {
    "idNumber": "{column: id_number, type: String, label: internal}",
    "name": (
        "{type: String, label: {level: confidential, categories: [pi]}, share: conditional, "
        "conditions: [for benefits], metadata: members, "
        "floor: {outcome: {mask: {partial: {keep_first: 2}}}, purposes: [administration], "
        "min_level: internal}}"
    ),
    "salary": "{type: Int, label: internal}",
}
BY_ROW = "[{when: {eq: [row.name, N1]}, label: restricted, fields: [salary]}]"


class Floored(Office):
    """Its one department may sign."""

    def fragment(self, *, by_row: str | None = None, **fields: str | None) -> None:
        """Write the fragment with some fields otherwise (``None``: without them)."""
        held = {**FIELDS, **fields}
        lines = [f"      {name}: {text}" for name, text in held.items() if text is not None]
        url = f"sqlite:///{self.home / 'civil.sqlite'}"
        head = (
            "hub: 1\nsource: {name: civil, department: civil-affairs, kind: sql, "
            f'connect: {{url: "{url}"}}}}\n'
            "types:\n  Person:\n    key: [idNumber]\n    from: {table: residents}\n"
            "    share: unconditional\n"
        )
        rows = "" if by_row is None else f"    by_row: {by_row}\n"
        text = head + rows + "    fields:\n" + "\n".join(lines) + "\n"
        (self.home / "civil.yaml").write_text(text)

    def sign_floor(self, who: str = "civil", *, lower: bool = False) -> Signing:
        with self.desk() as desk:
            loaded = load_files(self.settings, rules=False)
            return sign_floor(desk, loaded, self.key(who), lower=lower)

    def keeps(self) -> str | None:
        """What is less than was signed, as whoever activates a release is told."""
        with self.desk() as desk:
            try:
                keep_floors(desk, load_files(self.settings, rules=False))
            except HubError as error:
                return f"{error.code}: {error}"
        return None

    def told(self) -> list[str]:
        """Every coordinate that is less than was signed."""
        with self.desk() as desk:
            loaded = load_files(self.settings, rules=False)
            floors = floors_of(desk).read()
            found = [
                one for floor in floors for one in lowered(floor, loaded.catalogue, loaded.packs)
            ]
        return [f"`{one.at}`: {one.what}" for one in found]

    def release(self, rules: Mapping[str, str], at: float | None = None) -> int:
        """All steps, with the department's consent; the epoch."""
        return self.activate(self.signed(rules), at)

    def signed(self, rules: Mapping[str, str]) -> Envelope:
        """A release that all have signed."""
        return self.approve(self.approve(self.build(rules)), "civil")
