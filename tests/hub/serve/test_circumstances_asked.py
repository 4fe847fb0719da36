"""Circumstances of a request: none can be claimed that the hub decides, none is forgotten."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.serve.decode import read_case
from hub.serve.zones import Zones
from schema.errors import HubError
from tests.hub.serve.asgi import calling
from tests.hub.serve.ruled import ANN, DIRECT, PROXIES, PROXY, ZONES, ruled

OPEN = """
policy: open
effect: permit
subjects: {app: benefits}
resources: {types: ["*"]}
modes: all
"""
BY_ZONE = """
policy: extranet
effect: permit
subjects: {network_zone: gov_extranet}
resources: {types: [Person]}
modes: all
"""
OUTSIDE, INSIDE = "203.0.113.7", "10.7.7.7"
FORWARDED = "X-Forwarded-For"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("peer", "forwarded", "inside"),
    [
        (DIRECT, None, True),
        ("2001:db8::5", None, True),
        ("::ffff:10.1.2.3", None, True),
        (OUTSIDE, None, False),
        # nobody but a proxy speaks for others
        (OUTSIDE, INSIDE, False),
        (DIRECT, OUTSIDE, True),
        (PROXY, INSIDE, True),
        (PROXY, OUTSIDE, False),
        # what the proxy saw stands right of what the caller wrote
        (PROXY, f"{INSIDE}, {OUTSIDE}", False),
        (PROXY, f"{OUTSIDE}, {INSIDE}", True),
        (PROXY, f"{INSIDE}, {OUTSIDE}, 192.0.2.2", False),
        (PROXY, f"{OUTSIDE}, {INSIDE}, 192.0.2.2 ,\t10.9.9.9", True),
        # a proxy places nobody by its own address, and no word is an address
        (PROXY, None, False),
        (PROXY, "", False),
        (PROXY, "10.9.9.9", False),
        (PROXY, "192.0.2.2, 192.0.2.3", False),
        (PROXY, "unknown", False),
        (PROXY, f"{INSIDE}:443", False),
        (PROXY, f"{INSIDE}, not-an-address", False),
        (PROXY, f"{INSIDE},", False),
        (PROXY, "010.7.7.7", False),
        (PROXY, "a, " * 5_000 + INSIDE, True),
        (PROXY, "192.0.2.2, " * 5_000 + "192.0.2.2", False),
    ],
)
async def test_the_zone_is_where_the_connection_comes_from(
    tmp_path: Path, peer: str, forwarded: str | None, inside: bool
) -> None:
    async with ruled(tmp_path, BY_ZONE) as call:
        headers = {} if forwarded is None else {FORWARDED: forwarded}
        for _ in range(2):
            got = await call.ask(peer=peer, headers=headers)
            assert got == (ANN if inside else "NETWORK_ZONE")
        assert call.hub.small.calls == (2 if inside else 0)


@pytest.mark.asyncio
async def test_several_lines_are_one_list(tmp_path: Path) -> None:
    async with ruled(tmp_path, BY_ZONE) as call:
        for lines, told in (((INSIDE, OUTSIDE), "NETWORK_ZONE"), ((OUTSIDE, INSIDE), ANN)):
            headers = [(FORWARDED, line) for line in lines]
            assert await call.ask(peer=PROXY, headers=headers) == told


@pytest.mark.asyncio
async def test_without_zones_none_is_known(tmp_path: Path) -> None:
    async with ruled(tmp_path, BY_ZONE, zones=()) as call:
        assert await call.ask() == "NETWORK_ZONE"
        assert call.hub.small.recorder.entries[-1].network_zone is None


@pytest.mark.asyncio
async def test_an_unknown_zone_fires_every_prohibition(tmp_path: Path) -> None:
    rules = f"""{OPEN}---
policy: not-from-the-internet
effect: forbid
subjects: {{network_zone: internet}}
resources: {{types: [Person]}}
"""
    async with ruled(tmp_path, rules) as call:
        assert await call.ask() == ANN
        assert await call.ask(peer=OUTSIDE) == "NETWORK_ZONE"
        assert await call.ask(peer="2001:db9::1") == "NETWORK_ZONE"  # in no zone


@pytest.mark.asyncio
async def test_the_log_in_is_the_token_s_alone(tmp_path: Path) -> None:
    rules = OPEN + "obligations: [{step_up: {acr: [card, face]}}]\n"
    async with ruled(tmp_path, rules) as call:
        assert await call.ask() == "STEP_UP_REQUIRED"
        assert await call.ask(acr="password") == "STEP_UP_REQUIRED"
        claimed = {"acr": "card", "Hub-Acr": "card", "X-Acr": "card"}
        for acr in (None, "password"):
            got = await call.ask(
                acr=acr,
                headers=claimed,
                extensions={"acr": "card", "context": {"acr": "card"}},
                variables={"acr": "card"},
            )
            assert got == "STEP_UP_REQUIRED"
        assert await call.ask(acr="card") == ANN
        assert await call.ask(acr="password") == "STEP_UP_REQUIRED"


@pytest.mark.asyncio
async def test_a_case_is_stated_as_a_purpose_is(tmp_path: Path) -> None:
    async with ruled(tmp_path, OPEN + "obligations: [case_id]\n") as call:
        assert await call.ask() == "CASE_REQUIRED"
        assert await call.ask(headers={"Hub-Case": "2026-17/a"}) == ANN
        assert await call.ask(extensions={"case": "（2026）浙01刑初12号"}) == ANN
        assert await call.ask(headers={"Hub-Case": " "}) == "CASE_REQUIRED"
        same = {"headers": {"Hub-Case": "7"}, "extensions": {"case": "7"}}
        assert await call.ask(**same) == ANN
        other = {"headers": {"Hub-Case": "7"}, "extensions": {"case": "8"}}
        assert await call.ask(**other) == "MALFORMED_REQUEST"
        twice = [("Hub-Case", "7"), ("Hub-Case", "7")]
        assert await call.ask(headers=twice) == "BAD_REQUEST"
        cases = [entry.case_id for entry in call.hub.small.recorder.entries]
        assert cases == [None, "2026-17/a", "（2026）浙01刑初12号", None, "7"]


@pytest.mark.parametrize("text", ["x" * 129, "a b", "a\nb", "a\x00b", "a;b", "<b>", "\u202eabc"])
def test_a_case_is_a_short_reference(text: str) -> None:
    for header, extensions in ((text.encode(), None), (None, {"case": text})):
        with pytest.raises(HubError) as refused:
            read_case(header, extensions)
        assert refused.value.code == "MALFORMED_REQUEST"
        assert text not in str(refused.value)


@pytest.mark.parametrize(("header", "case"), [(b"\xff", None), (None, 7), (None, ["7"])])
def test_a_case_is_text(header: bytes | None, case: object) -> None:
    with pytest.raises(HubError) as refused:
        read_case(header, {"case": case})
    assert refused.value.code == "MALFORMED_REQUEST"


@pytest.mark.asyncio
async def test_no_kept_ruling_is_used_in_another_circumstance(tmp_path: Path) -> None:
    rules = f"""{BY_ZONE}---
policy: by-case
effect: permit
subjects: {{app: benefits}}
when: {{eq: [context.case_id, "17"]}}
resources: {{types: [Person]}}
modes: all
---
policy: by-card
effect: permit
subjects: {{app: benefits}}
when: {{eq: [context.acr, card]}}
resources: {{types: [Person]}}
modes: all
"""
    outside = {"peer": OUTSIDE}
    async with ruled(tmp_path, rules) as call:
        for _ in range(2):
            assert await call.ask() == ANN
            assert await call.ask(**outside) == "NETWORK_ZONE"
            assert await call.ask(**outside, headers={"Hub-Case": "17"}) == ANN
            assert await call.ask(**outside, headers={"Hub-Case": "18"}) == "NETWORK_ZONE"
            assert await call.ask(**outside, acr="card") == ANN
            assert await call.ask(**outside, acr="face") == "NETWORK_ZONE"
        zones = {entry.network_zone for entry in call.hub.small.recorder.entries}
        assert zones == {"gov_extranet", "internet"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rules", "rulings"),
    [(OPEN, 1), (OPEN + "obligations: [case_id]\n", 3), (BY_ZONE, 1)],
    ids=["none read", "case read", "zone read"],
)
async def test_circumstances_that_no_rule_reads_part_nobody(
    tmp_path: Path, rules: str, rulings: int
) -> None:
    async with ruled(tmp_path, rules) as call:
        engine = call.hub.small.engine
        asked, ruling = [], engine.rule
        engine.rule = lambda *more: asked.append(more) or ruling(*more)  # type: ignore[method-assign]
        for number in range(3):
            for peer in (DIRECT, INSIDE):
                got = await call.ask(peer=peer, headers={"Hub-Case": str(number)})
                assert got == ANN
        assert len(asked) == rulings


@pytest.mark.asyncio
async def test_browsers_may_send_the_case() -> None:
    async with calling(cors_origins=("https://desk.example",)) as call:
        got = await call.client.options("/graphql", headers={"origin": "https://desk.example"})
        assert "hub-case" in got.headers["access-control-allow-headers"].split(", ")


zones = Zones(ZONES, PROXIES)
addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from([INSIDE, OUTSIDE, PROXY, "10.9.9.9", "10.9.1.1"]),
    st.text(max_size=20).filter(lambda text: "," not in text),
)


def proxies(text: str) -> bool:
    """Whether an address is a trusted proxy's."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in ipaddress.ip_network(network) for network in PROXIES)


@given(st.lists(addresses, max_size=6), st.ip_addresses().map(str))
def test_nothing_left_of_a_stranger_s_address_counts(claimed: list[str], stranger: str) -> None:
    assume(not proxies(stranger))
    said = ", ".join([*claimed, stranger]).encode("utf-8", "replace")
    alone = zones.find((PROXY, 1), stranger.encode())
    assert zones.find((PROXY, 1), said) == alone == zones.find((stranger, 1), None)


@given(addresses, st.lists(addresses, max_size=4))
def test_no_header_moves_a_peer_that_is_no_proxy(peer: str, said: list[str]) -> None:
    assume(not proxies(peer))
    forwarded = ",".join(said).encode("utf-8", "replace")
    assert zones.find((peer, 1), forwarded) == zones.find((peer, 1), None)
    assert zones.find(None, forwarded) is None


def test_the_narrowest_network_counts() -> None:
    assert zones.find(("10.9.1.1", 1), None) == "dmz"
    assert Zones(ZONES[::-1], PROXIES).find(("10.9.1.1", 1), None) == "dmz"
    assert zones.find(("10.8.1.1", 1), None) == "gov_extranet"
