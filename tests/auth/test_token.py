"""What a token must be, and every way of pretending that is turned away."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.issuer import ClaimMapping
from auth.refusal import RefusedError
from auth.token import TokenVerifier
from schema.errors import HubError
from tests.auth import forge
from tests.auth.forge import NOW, claims, confused, token


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    forge.write_all(file)
    return file


def verifier(keys: Path, **changes: Any) -> TokenVerifier:
    return TokenVerifier([forge.declared(keys, **changes)], clock=lambda: NOW)


@pytest.mark.asyncio
@pytest.mark.parametrize("kid", ["rsa", "ec", "okp"])
async def test_each_algorithm_is_accepted(keys: Path, kid: str) -> None:
    subject = await verifier(keys).verify(token(kid=kid))
    assert subject.id == "app:benefits|user:zhang"
    assert subject.expires_at == NOW + 600 + 30


@pytest.mark.asyncio
async def test_every_mapped_attribute_arrives(keys: Path) -> None:
    held = claims(
        department="civil",
        org_kind="government",
        tier="city",
        region="330100",
        clearance={"plain": "internal"},
        compartments=["LE"],
        roles=["reader"],
        purposes="benefit.eligibility statistics",
        duties=["d1"],
        acting_for="tax",
        acr="card",
    )
    subject = await verifier(keys).verify(token(held))
    assert (subject.department, subject.tier, subject.region) == ("civil", "city", "330100")
    assert subject.org_kind == "government"
    assert subject.clearance == {"plain": "internal"}
    assert subject.compartments == {"LE"}
    assert subject.roles == {"reader"}
    assert subject.purposes == {"benefit.eligibility", "statistics"}
    assert (subject.duties, subject.acting_for) == ({"d1"}, "tax")
    assert subject.id.endswith("|for:tax")
    assert subject.acr == "card"


@pytest.mark.asyncio
async def test_what_is_missing_stays_missing(keys: Path) -> None:
    subject = await verifier(keys).verify(token(claims(user=None, azp=None)))
    assert (subject.id, subject.user, subject.department) == ("app:zhang", None, None)
    assert subject.acr is None
    assert (subject.region, subject.clearance, subject.purposes) == (None, {}, frozenset())


@pytest.mark.asyncio
async def test_an_issuer_has_its_own_mapping_and_fixed_attributes(keys: Path) -> None:
    own = ClaimMapping(roles=("realm_access.roles",))
    issuer = {"claims": own, "fixed": {"department": "tax"}}
    held = claims(department="civil", realm_access={"roles": ["clerk"]})
    subject = await verifier(keys, **issuer).verify(token(held))
    assert (subject.department, subject.roles) == ("tax", {"clerk"})


def doubled(**again: Any) -> bytes:
    text = json.dumps(claims())
    return f"{text[:-1]}, {json.dumps(again)[1:]}".encode()


ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: token(alg="none"), "algorithm"),
    "alg none with a signature": (lambda: token(alg="none") + "AAAA", "algorithm"),
    "alg in capitals": (lambda: token(header={"alg": "NONE"}), "algorithm"),
    "HS256 with the RSA key's PEM": (lambda: confused("rsa"), "algorithm"),
    "HS256 with the EC key's PEM": (lambda: confused("ec"), "algorithm"),
    "another algorithm of the same key": (lambda: token(kid="rsa", alg="PS256"), "algorithm"),
    "alg is a list": (lambda: token(header={"alg": ["EdDSA"]}), "algorithm"),
    "kid of a key of another type": (lambda: token(kid="rsa", alg="EdDSA", key=forge.OKP), "key"),
    "kid nobody knows": (lambda: token(kid="other"), "key"),
    "kid is a path": (lambda: token(kid="../../dev/null"), "key"),
    "kid is SQL": (lambda: token(kid="x' UNION SELECT 'y"), "key"),
    "kid is a number": (lambda: token(header={"kid": 1}), "header"),
    "kid too long": (lambda: token(header={"kid": "k" * 300}), "header"),
    "a stranger's key": (lambda: token(key=forge.STRANGER), "signature"),
    "jku": (lambda: token(header={"jku": "https://evil.example/jwks"}), "header"),
    "x5u": (lambda: token(header={"x5u": "https://evil.example/c"}), "header"),
    "x5c": (lambda: token(header={"x5c": ["AAAA"]}), "header"),
    "jwk in the header": (
        lambda: token(header={"jwk": forge.jwk(forge.STRANGER, "x")}, key=forge.STRANGER),
        "header",
    ),
    "crit": (lambda: token(header={"crit": ["exp"], "exp": 1}), "header"),
    "crit with b64": (lambda: token(header={"crit": ["b64"], "b64": False}), "header"),
    "typ of an ID token's kind": (lambda: token(header={"typ": "id+jwt"}), "type"),
    "typ of a log-out token": (lambda: token(header={"typ": "logout+jwt"}), "type"),
    "no typ": (lambda: token(header={"typ": None}), "type"),
    "typ is a number": (lambda: token(header={"typ": 1}), "type"),
    "alg twice in the header": (
        lambda: token(header=b'{"alg":"EdDSA","alg":"none","typ":"at+jwt","kid":"okp"}'),
        "not_a_token",
    ),
    "header is a list": (lambda: token(header=b"[]"), "not_a_token"),
    "header too large": (lambda: token(header={"pad": "x" * 3000}), "header"),
    "expired": (lambda: token(claims(exp=NOW - 31)), "expired"),
    "expired at the very end of the leeway": (lambda: token(claims(exp=NOW - 30)), "expired"),
    "no exp": (lambda: token(claims(exp=None)), "lifetime"),
    "exp as text": (lambda: token(claims(exp=str(NOW + 600))), "claims"),
    "exp is true": (lambda: token(claims(exp=True)), "claims"),
    "exp is a list": (lambda: token(claims(exp=[NOW + 600])), "claims"),
    "exp negative": (lambda: token(claims(exp=-1)), "claims"),
    "exp in 100 years": (lambda: token(claims(exp=NOW + 100 * 365 * 86_400)), "lifetime"),
    "exp of 400 digits": (lambda: token(claims(exp=10**400)), "claims"),
    "exp of 5,000 digits": (
        lambda: token(doubled(x=0).replace(b'"x": 0', b'"x": ' + b"9" * 5000)),
        "not_a_token",
    ),
    "exp is infinite": (
        lambda: token(json.dumps(claims(exp=float("inf"))).encode()),
        "not_a_token",
    ),
    "exp is 1e999": (
        lambda: token(json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()),
        "claims",
    ),
    "exp is NaN": (lambda: token(json.dumps(claims(exp=float("nan"))).encode()), "not_a_token"),
    "long life hidden by a late iat": (
        lambda: token(claims(iat=NOW + 20, exp=NOW + 86_400 + 60)),
        "lifetime",
    ),
    "long life hidden by a missing iat": (
        lambda: token(claims(iat=None, exp=NOW + 86_400 + 60)),
        "lifetime",
    ),
    "iat tomorrow": (lambda: token(claims(iat=NOW + 80_000, exp=NOW + 90_000)), "not_yet"),
    "iat as text": (lambda: token(claims(iat="now")), "claims"),
    "nbf tomorrow": (lambda: token(claims(nbf=NOW + 80_000)), "not_yet"),
    "another issuer": (lambda: token(claims(iss="https://evil.example")), "issuer"),
    "the issuer with a slash": (lambda: token(claims(iss=f"{forge.ISSUER}/")), "issuer"),
    "the issuer in a list": (lambda: token(claims(iss=[forge.ISSUER])), "issuer"),
    "no issuer": (lambda: token(claims(iss=None)), "issuer"),
    "another audience": (lambda: token(claims(aud="payroll")), "audience"),
    "no audience": (lambda: token(claims(aud=None)), "audience"),
    "audience in an object": (lambda: token(claims(aud={"hub": 1})), "audience"),
    "a number among audiences": (lambda: token(claims(aud=["hub", 1])), "audience"),
    "sub twice": (lambda: token(doubled(sub="admin")), "not_a_token"),
    "a key twice deep inside": (
        lambda: token(doubled(x=0).replace(b'"x": 0', b'"x": {"a": 1, "a": 2}')),
        "not_a_token",
    ),
    "no sub": (lambda: token(claims(sub=None)), "claims"),
    "sub empty": (lambda: token(claims(sub="")), "claims"),
    "sub is a number": (lambda: token(claims(sub=7)), "claims"),
    "NUL in sub": (lambda: token(claims(sub="zhang\x00admin")), "claims"),
    "NUL in a claim's name": (lambda: token(claims(**{"rol\x00es": ["x"]})), "claims"),
    "line break in the department": (lambda: token(claims(department="a\nb")), "claims"),
    "half a surrogate pair": (lambda: token(claims(user="\ud800")), "claims"),
    "roles is a number": (lambda: token(claims(roles=5)), "claims"),
    "roles holds an object": (lambda: token(claims(roles=[{"a": 1}])), "claims"),
    "clearance is a text": (lambda: token(claims(clearance="G4")), "claims"),
    "clearance holds a list": (lambda: token(claims(clearance={"plain": ["x"]})), "claims"),
    "claims are no object": (lambda: token(b"[1]"), "not_a_token"),
    "claims are not UTF-8": (lambda: token(b'{"sub": "\xff"}'), "not_a_token"),
    "claims nested deep": (
        lambda: token(doubled(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 4000 + b"]" * 4000)),
        "not_a_token",
    ),
    "oversized": (lambda: token(claims(pad="x" * 20_000)), "too_large"),
    "two parts": (lambda: ".".join(token().split(".")[:2]), "not_a_token"),
    "five parts, as encrypted tokens have": (lambda: "a.b.c.d.e", "not_a_token"),
    "padding": (lambda: token() + "=", "not_a_token"),
    "a line break at the end": (lambda: token() + "\n", "not_a_token"),
    "empty": (lambda: "", "not_a_token"),
    "signature empty": (lambda: token().rpartition(".")[0] + ".", "not_a_token"),
    "signature of another token": (
        lambda: f"{token().rpartition('.')[0]}.{token(claims(sub='x')).rpartition('.')[2]}",
        "signature",
    ),
    "ES256 signature of zeros": (
        lambda: f"{token(kid='ec').rpartition('.')[0]}.{forge.b64(bytes(64))}",
        "signature",
    ),
    "RS256 signature too short": (
        lambda: f"{token(kid='rsa').rpartition('.')[0]}.AAAA",
        "signature",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", list(ATTACKS))
async def test_attack_is_refused(keys: Path, name: str) -> None:
    make, reason = ATTACKS[name]
    with pytest.raises(RefusedError) as refused:
        await verifier(keys).verify(make())
    assert refused.value.reason == reason


@pytest.mark.asyncio
async def test_the_algorithms_are_pinned_to_the_issuer(keys: Path) -> None:
    with pytest.raises(RefusedError, match="algorithm"):
        await verifier(keys, algorithms=("ES256",)).verify(token(kid="okp"))


@pytest.mark.asyncio
async def test_an_issuer_cannot_sign_for_another(keys: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    forge.write_keys(other, forge.jwk(forge.STRANGER, "okp"))
    both = TokenVerifier(
        [forge.declared(keys), forge.declared(other, issuer="https://other.example")],
        clock=lambda: NOW,
    )
    with pytest.raises(RefusedError, match="signature"):
        await both.verify(token(key=forge.STRANGER))
    good = token(claims(iss="https://other.example"), key=forge.STRANGER)
    assert (await both.verify(good)).app == "benefits"


@pytest.mark.asyncio
async def test_within_the_leeway(keys: Path) -> None:
    late = token(claims(exp=NOW - 29))
    assert (await verifier(keys).verify(late)).expires_at == NOW + 1
    early = token(claims(nbf=NOW + 29, iat=NOW + 29))
    assert (await verifier(keys).verify(early)).app == "benefits"


@pytest.mark.asyncio
async def test_names_cannot_imitate_a_pair_of_app_and_user(keys: Path) -> None:
    one = await verifier(keys).verify(token(claims(azp="a|user:b", user=None)))
    two = await verifier(keys).verify(token(claims(azp="a", user="b")))
    assert one.id != two.id


@pytest.mark.asyncio
@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/at+jwt", "AT+JWT"])
async def test_accepted_spellings_of_typ(keys: Path, typ: str) -> None:
    assert (await verifier(keys).verify(token(header={"typ": typ}))).app == "benefits"


def test_a_plain_http_key_set_is_refused(keys: Path) -> None:
    with pytest.raises(HubError) as refused:
        verifier(keys, jwks="http://login.example/jwks")
    assert refused.value.code == "CONFIG_INVALID"


@given(st.text(max_size=300))
def test_no_text_is_a_token_by_chance(text: str) -> None:

    bare = TokenVerifier([], clock=lambda: NOW)
    with pytest.raises(RefusedError):
        asyncio.run(bare.verify(text))


@given(st.integers(-90, 500), st.integers(1, 127))
def test_no_changed_byte_is_accepted(position: int, change: int) -> None:

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jwks.json"
        forge.write_all(file)
        good = token()
        place = position % len(good)
        other = chr((ord(good[place]) + change) % 128)
        changed = good[:place] + other + good[place + 1 :]
        if changed == good:
            return
        with pytest.raises(RefusedError):
            asyncio.run(verifier(file).verify(changed))


@pytest.mark.asyncio
async def test_the_log_in_s_claim_can_be_mapped(keys: Path) -> None:
    mapping = ClaimMapping(acr=("login.strength",))
    held = claims(acr="password", login={"strength": "card"})
    assert (await verifier(keys, claims=mapping).verify(token(held))).acr == "card"
    for wrong in (7, ["card"], "", " "):
        with pytest.raises(RefusedError):
            await verifier(keys).verify(token(claims(acr=wrong)))
