import asyncio
import base64
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx.access.identify import (
    NOBODY,
    Basic,
    Bearer,
    Certificate,
    Claim,
    Identity,
    Outcome,
    parse_basic,
    parse_bearer,
)
from nginx.access.limiter import FAILURES
from nginx.access.passwords import hash_password
from nginx.access.users import Role, User

USERS = {
    "alice": User(Role.READER, hash_password("a")),
    "scripts": User(Role.WRITER),
}


def basic(name: str, password: str, address: str = "10.0.0.1") -> Claim:
    return Claim("Basic " + base64.b64encode(f"{name}:{password}".encode()).decode(), address=address)


def bearer(payload: object) -> Claim:
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return Claim(f"Bearer header.{body}.signature")


async def identify(mode: Basic, claim: Claim) -> Identity:
    return mode.at_once(claim) or await mode.after_check(claim)


def test_a_password_is_checked_once_and_then_known_at_once() -> None:
    async def run() -> None:
        mode = Basic(lambda: USERS)
        claim = basic("alice", "a")
        assert mode.at_once(claim) is None
        expected = Identity(Outcome.KNOWN, "alice", Role.READER)
        assert await mode.after_check(claim) == expected
        assert mode.at_once(claim) == expected

    asyncio.run(run())


@pytest.mark.parametrize(
    "claim", [basic("alice", "b"), basic("mallory", "a"), basic("mallory", ""), basic("scripts", "")]
)
def test_a_wrong_password_or_name_is_unknown_but_told(claim: Claim) -> None:
    identity = asyncio.run(identify(Basic(lambda: USERS), claim))
    assert identity.outcome is Outcome.UNKNOWN
    assert identity.name
    assert identity.role is None


@pytest.mark.parametrize(
    "credentials", ["", "Basic", "Basic !", "Basic YQ==", "Basic Og==", "Bearer a.b.c", "Digest x"]
)
def test_no_credentials_of_the_scheme_are_nobody(credentials: str) -> None:
    assert asyncio.run(identify(Basic(lambda: USERS), Claim(credentials))) == NOBODY


def test_requests_with_the_same_credentials_share_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = []
    monkeypatch.setattr("nginx.access.identify.verify", lambda *_: checks.append(1) or True)

    async def run() -> list[Identity]:
        mode = Basic(lambda: USERS)
        return await asyncio.gather(*(identify(mode, basic("alice", "a")) for _ in range(50)))

    assert {identity.name for identity in asyncio.run(run())} == {"alice"}
    assert len(checks) == 1


def test_too_many_failures_hold_up_an_address_but_not_who_is_known_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nginx.access.identify.verify", lambda password, _: password == "a")

    async def run() -> None:
        mode = Basic(lambda: USERS)
        assert (await identify(mode, basic("alice", "a"))).outcome is Outcome.KNOWN
        for number in range(FAILURES):
            assert (await identify(mode, basic("alice", str(number)))).outcome is Outcome.UNKNOWN
        held_up = await identify(mode, basic("alice", "x"))
        assert held_up.outcome is Outcome.TOO_MANY
        assert 0 < held_up.wait_seconds <= 60
        assert (await identify(mode, basic("alice", "a"))).outcome is Outcome.KNOWN
        assert (await identify(mode, basic("alice", "x", "10.0.0.2"))).outcome is Outcome.UNKNOWN

    asyncio.run(run())


def test_more_checks_than_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr("nginx.access.identify.verify", lambda *_: go.wait(10))

    async def run() -> None:
        mode = Basic(lambda: USERS)
        waiting = [asyncio.create_task(identify(mode, basic("alice", str(n), str(n)))) for n in range(30)]
        await asyncio.sleep(0.05)
        refused = [task.result() for task in waiting if task.done()]
        go.set()
        assert len(refused) == 5
        assert {identity.outcome for identity in refused} == {Outcome.TOO_MANY}
        await asyncio.gather(*waiting)

    asyncio.run(run())


def test_a_changed_password_or_role_and_a_removed_user_count_at_once() -> None:
    users = dict(USERS)

    async def run() -> None:
        mode = Basic(lambda: users)
        claim = basic("alice", "a")
        await identify(mode, claim)
        users["alice"] = User(Role.ADMIN, USERS["alice"].password)
        assert mode.at_once(claim) == Identity(Outcome.KNOWN, "alice", Role.ADMIN)
        users["alice"] = User(Role.READER, hash_password("new"))
        assert (await identify(mode, claim)).outcome is Outcome.UNKNOWN
        del users["alice"]
        assert (await identify(mode, claim)).outcome is Outcome.UNKNOWN

    asyncio.run(run())


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"sub": "x", "scope": "dicomweb/read"}, Identity(Outcome.KNOWN, "x", Role.READER)),
        (
            {"sub": "x", "scope": "openid dicomweb/write dicomweb/read"},
            Identity(Outcome.KNOWN, "x", Role.WRITER),
        ),
        ({"sub": "scripts", "scope": "dicomweb/read"}, Identity(Outcome.KNOWN, "scripts", Role.WRITER)),
        ({"sub": "x", "scope": "dicomweb/reader"}, Identity(Outcome.NO_ROLE, "x")),
        ({"sub": "x", "scope": ["dicomweb/read"]}, Identity(Outcome.NO_ROLE, "x")),
        ({"sub": "x"}, Identity(Outcome.NO_ROLE, "x")),
        ({"scope": "dicomweb/read"}, NOBODY),
        ({"sub": 7, "scope": "dicomweb/read"}, NOBODY),
        ({"sub": "", "scope": "dicomweb/read"}, NOBODY),
        ({"sub": "x" * 257, "scope": "dicomweb/read"}, NOBODY),
        ("text", NOBODY),
    ],
)
def test_a_token_gives_the_role_of_its_entry_or_else_of_its_scopes(
    payload: object, expected: Identity
) -> None:
    assert Bearer(lambda: USERS, "dicomweb/read", "dicomweb/write").at_once(bearer(payload)) == expected


def test_a_certificate_gives_the_role_of_its_entry_only() -> None:
    mode = Certificate(lambda: USERS)
    assert mode.at_once(Claim(subject="scripts")) == Identity(Outcome.KNOWN, "scripts", Role.WRITER)
    assert mode.at_once(Claim(subject="CN=other")) == Identity(Outcome.NO_ROLE, "CN=other")
    assert mode.at_once(Claim(credentials=basic("alice", "a").credentials)) == NOBODY


@given(st.text() | st.binary().map(lambda raw: "Basic " + base64.b64encode(raw).decode()))
def test_any_header_parses_or_is_nobody(credentials: str) -> None:
    parsed = parse_basic(credentials)
    assert parsed is None or parsed[0]
    assert isinstance(parse_bearer(credentials), dict)


@given(st.binary())
def test_any_token_parses_or_is_nobody(raw: bytes) -> None:
    assert isinstance(parse_bearer("Bearer a." + base64.urlsafe_b64encode(raw).decode() + ".b"), dict)
