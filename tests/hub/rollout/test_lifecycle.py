"""Releases: who must sign what, what is refused, and what is on record of it."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import orjson
import pytest

from hub.audit.verify import verify
from hub.loading import load_files
from hub.rollout.gate import Draft, Gate
from hub.rollout.lifecycle import activate
from hub.rollout.release import Evidence, read_release
from hub.rollout.signature import RELEASE, ROLLBACK, Envelope, signed
from hub.rollout.signer import new_key, private_key
from hub.store.engine import open_engine
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.rollout.office import DAY, NOW, STATED, Office, permit, refused


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_what_shows_more_needs_two_officers(office: Office) -> None:
    made = office.build(permit("name"))
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "1 of 2 officers have signed what shows somebody more",
    )  # fmt: skip
    assert office.activate(office.approve(made)) == 1


def test_what_shows_less_needs_one(office: Office) -> None:
    office.release(permit("name", "salary"))
    assert office.activate(office.build(permit("name"), by="wang")) == 2


def test_the_author_cannot_approve(office: Office) -> None:
    made = office.build(permit("name"))
    with pytest.raises(HubError) as error:
        office.approve(made, by="li")
    assert refused(error.value) == ("RELEASE_REFUSED", "`li` has signed it already")
    twice = Envelope(payload=made.payload, signatures=made.signatures * 2)
    with pytest.raises(HubError) as error:
        office.activate(twice)
    assert refused(error.value) == ("RELEASE_INVALID", "one signer has signed it twice")


def test_changed_bytes_are_nobodys(office: Office) -> None:
    made = office.approve(office.build(permit("name")))
    payload = base64.urlsafe_b64decode(made.payload + "==")
    other = payload.replace(b"app: benefits", b"app: stranger")
    assert other != payload
    changed = Envelope(
        payload=base64.urlsafe_b64encode(other).rstrip(b"=").decode(), signatures=made.signatures
    )
    with pytest.raises(HubError) as error:
        office.activate(changed)
    assert refused(error.value) == (
        "RELEASE_INVALID", "it was changed after it was signed, or the signature is another's",
    )  # fmt: skip


def test_a_signature_is_for_one_release(office: Office) -> None:
    one = office.approve(office.build(permit("name")))
    two = office.build(permit("name", "salary"))
    mixed = Envelope(payload=two.payload, signatures=(two.signatures[0], one.signatures[1]))
    with pytest.raises(HubError) as error:
        office.activate(mixed)
    assert error.value.code == "RELEASE_INVALID"


def test_a_stranger_signs_nothing(office: Office) -> None:
    with pytest.raises(HubError) as error:
        office.build(permit("name"), by="stranger")
    assert refused(error.value) == ("RELEASE_REFUSED", "the key is not one of somebody who signs")
    made = office.approve(office.build(permit("name"), by="zhao"))
    (office.home / "zhao.pub.json").write_bytes((office.home / "stranger.pub.json").read_bytes())
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_INVALID", "it is signed with a key that nobody declared",
    )  # fmt: skip


def test_who_has_retired_signs_nothing_new(office: Office) -> None:
    made = office.build(permit("name"), by="zhao")
    office.configure(retired=True)
    with pytest.raises(HubError) as error:
        office.approve(made)
    assert refused(error.value) == ("RELEASE_REFUSED", "`zhao` signs nothing new")


def test_a_release_expires(office: Office) -> None:
    made = office.approve(office.build(permit("name"), days=7))
    with pytest.raises(HubError) as error:
        office.activate(made, at=NOW + 7 * DAY)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "it has expired, or does before it begins",
    )  # fmt: skip
    office.now += 7 * DAY
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert error.value.code == "RELEASE_REFUSED"
    with pytest.raises(HubError) as error:
        office.build(permit("name"), days=15)
    assert refused(error.value) == ("RELEASE_REFUSED", "it is valid for longer than allowed")


def test_somebody_else_was_first(office: Office) -> None:
    made = office.approve(office.build(permit("name", "salary")))
    office.release(permit("name"))
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "other rules are in force than those it was compared with",
    )  # fmt: skip
    with pytest.raises(HubError):
        office.approve(made, by="zhao")


def test_an_old_release_is_not_replayed(office: Office) -> None:
    old = office.approve(office.build(permit("name", "salary")))
    office.activate(old)
    with pytest.raises(HubError) as error:
        office.activate(old)
    assert refused(error.value)[0] == "RELEASE_REFUSED"
    office.activate(office.build(permit("name")))
    with pytest.raises(HubError) as error:
        office.activate(old)
    assert refused(error.value) == ("RELEASE_REFUSED", "its rules were in force already")


def test_what_is_not_proved_is_not_released(office: Office) -> None:
    with pytest.raises(HubError) as error:
        office.build(permit("name", app="other"))
    assert refused(error.value) == ("POLICY_NOT_PROVED", "`only-benefits` is refuted")
    with pytest.raises(HubError) as error:
        office.build(permit("name"), stated="")
    assert refused(error.value) == ("POLICY_NOT_PROVED", "a release states nothing to prove")


def test_tests_are_part_of_the_gate(office: Office) -> None:
    test = (
        "test: benefits see names\nsubject: {app: benefits, clearance: {plain: restricted}}\n"
        "expect: [{use: Person.name, outcome: allow}]\n"
    )
    with pytest.raises(HubError) as error:
        office.build(permit("salary"), tests={"t.yaml": test})
    assert refused(error.value)[0] == "RELEASE_REFUSED"
    made = office.build(permit("name"), tests={"t.yaml": test})
    held = read_release(base64.urlsafe_b64decode(made.payload + "=="))
    assert held.evidence.expectations == 1
    assert [proof.verdict for proof in held.evidence.proofs] == ["proved"]
    assert held.evidence.change.kind == "loosening"
    assert "project Person.name" in held.evidence.change.more


def test_rules_that_do_not_hold_together_are_refused(office: Office) -> None:
    with pytest.raises(HubError) as error:
        office.build(permit("missing"))
    assert refused(error.value)[0] == "POLICY_INVALID"


def test_what_is_stated_no_more_needs_two_officers(office: Office) -> None:
    office.release(permit("name"))
    other = STATED.replace("only-benefits", "other")
    made = office.build(permit("name"), stated=other)
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "1 of 2 officers have signed what may show more",
    )  # fmt: skip
    assert office.activate(office.approve(made)) == 2


def test_an_owner_consents_where_its_fields_show_more(tmp_path: Path) -> None:
    office = Office(tmp_path, owner=True)
    made = office.approve(office.build(permit("name")))
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "`civil-affairs` has not consented that its fields are shown to more",
    )  # fmt: skip
    assert office.activate(office.approve(made, by="civil")) == 1
    with pytest.raises(HubError) as error:
        office.build(permit("name"), by="civil")
    assert refused(error.value)[1] == "an owner consents, but does not do this"
    # what shows less concerns nobody's consent
    assert office.activate(office.build(permit())) == 2


def test_the_catalogue_of_today_counts(office: Office) -> None:
    made = office.approve(office.build(permit("name")))
    fragment = office.home / "civil.yaml"
    fragment.write_text(fragment.read_text().replace("      name: {type: String}\n", ""))
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value)[0] == "POLICY_INVALID"


def test_a_new_type_that_the_rules_reach_is_more_than_was_signed(office: Office) -> None:
    rules = {
        "rules.yaml": "policy: all\neffect: permit\nsubjects: {app: benefits}\n"
        "resources: {types: [Person]}\n"
    }
    made = office.approve(office.build(rules))
    fragment = office.home / "civil.yaml"
    fragment.write_text(fragment.read_text() + "      age: {column: salary, type: Decimal}\n")
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == ("RELEASE_REFUSED", "it shows more than it says")


def test_a_schedule_is_replaced_by_what_comes_later(office: Office) -> None:
    office.release(permit("name"))
    assert office.release(permit("name", "salary"), at=NOW + DAY) == 2
    assert office.activate(office.build(permit())) == 3
    with office.desk() as desk:
        dropped = {row.epoch: row.dropped for row in desk.rows()}
    assert dropped == {1: False, 2: True, 3: False}
    with pytest.raises(HubError) as error:
        office.roll_back(2)
    assert refused(error.value) == ("NOT_FOUND", "epoch 2 was never in force")


def test_what_begins_while_proofs_are_made_is_not_lost(office: Office) -> None:
    """A schedule that came into force meanwhile is not replaced, but what replaces it refused."""
    office.release(permit("name"))
    office.release(permit("name", "salary"), at=NOW + DAY)
    made = office.build(permit())

    class Slow(Gate):
        def evidence(self, draft: Draft, before: Draft) -> Evidence:
            office.now = NOW + DAY
            return super().evidence(draft, before)

    settings = office.settings
    gate = Slow(load_files(settings, rules=False), settings, seconds=60.0, begin=NOW)
    with office.desk() as desk:
        with pytest.raises(HubError) as error:
            activate(desk, gate, made, None)
        assert refused(error.value)[1] == (
            "other rules are in force than those it was compared with"
        )
        assert [(row.epoch, row.dropped) for row in desk.rows()] == [(1, False), (2, False)]
        assert desk.held().base.epoch == 2


def test_going_back(office: Office) -> None:
    office.release(permit("name"))
    office.release(permit("name", "salary"))
    assert office.roll_back(1, by="zhao") == 3
    with office.desk() as desk:
        assert desk.rows()[0].digest == desk.held().base.digest
    for epoch in (4, 9):
        with pytest.raises(HubError) as error:
            office.roll_back(epoch)
        assert refused(error.value) == ("NOT_FOUND", f"epoch {epoch} was never in force")
    with pytest.raises(HubError):
        office.roll_back(2, by="stranger")


def test_nobody_goes_back_to_what_fits_no_more(office: Office) -> None:
    office.release(permit("name", "salary"))
    office.activate(office.build(permit("name")))
    fragment = office.home / "civil.yaml"
    fragment.write_text(fragment.read_text().replace("      salary: {type: Int}\n", ""))
    with pytest.raises(HubError) as error:
        office.roll_back(1)
    assert refused(error.value)[0] == "POLICY_INVALID"


def test_every_step_is_on_record(office: Office) -> None:
    made = office.build(permit("name"))
    with pytest.raises(HubError):
        office.activate(made)
    office.activate(office.approve(made))
    office.release(permit("name", "salary"), at=NOW + DAY)
    office.roll_back(1)
    assert office.acts() == [
        ("policy.signed", "li", "ok"),
        ("policy.activated", "li", "RELEASE_REFUSED"),
        ("policy.signed", "wang", "ok"),
        ("policy.activated", "li, wang", "ok"),
        ("policy.signed", "li", "ok"),
        ("policy.signed", "wang", "ok"),
        ("policy.scheduled", "li, wang", "ok"),
        ("policy.rolled_back", "li", "ok"),
    ]
    engine = open_engine(office.settings.state.database_url)
    ledger = open_ledger(engine)
    report = verify(ledger)
    ledger.close()
    engine.dispose()
    assert (report.ok, report.entries) == (True, 8)


def test_the_file_is_rfc_7515_json(office: Office) -> None:
    """Another implementation of JWS reads it: general serialisation, one header per signature."""
    from joserfc.jwk import OKPKey
    from joserfc.jws import JWSRegistry, deserialize_json

    made = msgspec.json.decode(office.build(permit("name")).text())
    assert set(made) == {"payload", "signatures"}
    key = OKPKey.import_key(orjson.loads((office.home / "li.pub.json").read_bytes()))
    plain = JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    found = deserialize_json(made, key, registry=plain)
    assert found.members[0].protected == {
        "alg": "Ed25519", "kid": key.thumbprint(), "typ": "hub-release+json", "part": "author",
        "at": int(NOW),
    }  # fmt: skip


def forged(office: Office, made: Envelope, who: str, old: bytes, new: bytes) -> Envelope:
    """A payload that its author wrote by hand, well signed."""
    payload = base64.urlsafe_b64decode(made.payload + "==")
    assert old in payload
    return signed(
        payload.replace(old, new), office.key(who), purpose=RELEASE, part="author", at=int(NOW),
        others=None,
    )  # fmt: skip


def test_what_the_evidence_says_is_found_anew(office: Office) -> None:
    made = office.build(permit("name"))
    lie = forged(office, made, "li", b'"kind":"loosening"', b'"kind":"tightening"')
    for step in (office.activate, office.approve):
        with pytest.raises(HubError) as error:
            step(lie)
        assert refused(error.value) == ("RELEASE_REFUSED", "it shows more than it says")


def test_there_is_one_way_to_write_a_payload(office: Office) -> None:
    made = office.build(permit("name"))
    for old, new in (
        (b'"format":1', b'"format": 1'),
        (b'"format":1', b'"format":2'),
        (b'"name":"r"', b'"name":"r","other":1'),
        (b'"name":"r"', b'"name":"q","name":"r"'),
    ):
        with pytest.raises(HubError) as error:
            office.approve(forged(office, made, "li", old, new))
        assert refused(error.value) == ("RELEASE_INVALID", "the release cannot be read")


def test_a_signature_says_what_it_is_for(office: Office) -> None:
    """An order to go back is no release, and no part can be taken by another sort of signer."""
    made = office.build(permit("name"))
    payload = base64.urlsafe_b64decode(made.payload + "==")
    for who, purpose, part, told in (
        ("wang", ROLLBACK, "approver", "a signature is for something else"),
        ("wang", RELEASE, "owner", "a signer takes a part that is not theirs"),
        ("wang", RELEASE, "author", "it has not exactly one author"),
    ):
        other = signed(
            payload, office.key(who), purpose=purpose, part=part, at=int(NOW), others=made  # type: ignore[arg-type]
        )  # fmt: skip
        with pytest.raises(HubError) as error:
            office.activate(other)
        assert refused(error.value) == ("RELEASE_INVALID", told)


def test_a_locked_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    pem, _ = new_key(b"long and secret")
    file = tmp_path / "locked.pem"
    file.write_bytes(pem)
    file.chmod(0o600)
    key = private_key(file, lambda: "long and secret")
    assert key.is_private
    with pytest.raises(HubError) as error:
        private_key(file, lambda: "wrong")
    assert refused(error.value) == ("CONFIG_INVALID", "the private key cannot be read")
