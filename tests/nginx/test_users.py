import contextlib
import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx.access.passwords import hash_password
from nginx.access.users import (
    LONGEST_AUDITED_NAME,
    LONGEST_NAME,
    Role,
    User,
    UsersError,
    audited_name,
    parse_users,
    write_users,
)

HASH = hash_password("secret")
names = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=":"), min_size=1, max_size=256)


@given(st.dictionaries(names, st.builds(User, st.sampled_from(Role), st.sampled_from([None, HASH]))))
def test_users_that_are_written_are_read_again(users: dict[str, User]) -> None:
    assert parse_users(write_users(users)) == users


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alice", "alice"),
        ("CN=ct-2,O=Example Hospital\\, Inc.", "CN=ct-2,O=Example Hospital\\, Inc."),
        ("Müller", "M%C3%BCller"),
        ("Möller", "M%C3%B6ller"),
        ("M%C3%B6ller", "M%25C3%25B6ller"),
        ("😀" * LONGEST_NAME, "%F0%9F%98%80" * LONGEST_NAME),
        (" alice b ", "%20alice b%20"),
        ("a\r\nb\x00", "a%0D%0Ab%00"),
        ("\ud800", "%ED%A0%80"),
        (" ", "%20"),
        ("x" * 5000, "x" * LONGEST_AUDITED_NAME),
    ],
)
def test_the_audit_log_has_names_in_ascii(name: str, expected: str) -> None:
    assert audited_name(name) == expected


@given(names, names)
def test_no_two_users_share_a_name_in_the_audit_log(one: str, other: str) -> None:
    assert (audited_name(one) == audited_name(other)) is (one == other)
    assert unquote(audited_name(one)) == one


def test_an_identity_of_a_certificate_may_have_colons_and_blanks() -> None:
    subject = "CN=gateway:1,O=St. Mary Hospital,C=US"
    assert parse_users(json.dumps({"users": {subject: {"role": "writer"}}})) == {subject: User(Role.WRITER)}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "no JSON: line 1, column 1"),
        ("[" * 100_000, "no JSON"),
        ("[]", "must be"),
        ('{"users": []}', "must be"),
        ('{"users": {}, "groups": {}}', "must be"),
        ('{"users": {"": {"role": "reader"}}}', "1 to 256 characters"),
        ('{"users": {"al\\nice": {"role": "reader"}}}', "printable"),
        ('{"users": {" alice": {"role": "reader"}}}', "no blank"),
        ('{"users": {"alice": "reader"}}', "an object with a role"),
        ('{"users": {"alice": {}}}', "role of 'alice' must be one of reader, writer, admin"),
        ('{"users": {"alice": {"role": ["reader"]}}}', "role of 'alice'"),
        ('{"users": {"alice": {"role": "reader", "pasword": "x"}}}', "unknown keys: 'pasword'"),
        (
            '{"users": {"alice": {"role": "reader", "password": "hunter2"}}}',
            "password of 'alice' must have the form",
        ),
        ('{"users": {"alice": {"role": "reader", "password": 7}}}', "password of 'alice'"),
    ],
)
def test_a_mistake_is_told(text: str, mistake: str) -> None:
    with pytest.raises(UsersError, match=mistake) as caught:
        parse_users(text)
    assert "hunter2" not in str(caught.value)


def test_a_name_with_a_colon_cannot_have_a_password() -> None:
    with pytest.raises(UsersError, match="no colon"):
        parse_users(json.dumps({"users": {"a:b": {"role": "reader", "password": HASH}}}))


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(UsersError) as caught:
        parse_users('{"users": {"alice": {"role": "king"}, "bob": {"role": "reader", "x": 1}}}')
    assert len(caught.value.mistakes) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_document_does_anything_else_than_parse_or_be_refused(document: object) -> None:
    for whole in (document, {"users": document}, {"users": {"alice": document}}):
        with contextlib.suppress(UsersError):
            parse_users(json.dumps(whole))
