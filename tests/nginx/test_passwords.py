import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nginx.access.passwords import HashError, hash_password, parse_hash, verify

STORED = hash_password("correct horse")


def test_a_password_has_its_own_hash_only() -> None:
    assert verify("correct horse", STORED)
    assert not verify("correct hors", STORED)
    assert not verify("", STORED)


def test_the_same_password_never_has_the_same_hash_twice() -> None:
    assert hash_password("correct horse") != STORED


@settings(max_examples=3, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_any_password_can_be_hashed(password: str) -> None:
    assert verify(password, hash_password(password))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        STORED.replace("scrypt", "bcrypt"),
        STORED.replace("$15$", "$31$"),
        STORED.replace("$15$", "$1$"),
        STORED.replace("$8$", "$8000$"),
        STORED.replace("$3$", "$99$"),
        STORED.replace("$3$", "$-3$"),
        STORED[:-8],
        STORED + "$",
        STORED[:-4] + "****",
    ],
    ids=range(11),
)
def test_a_malformed_or_costly_hash_is_refused_without_repeating_it(stored: str) -> None:
    with pytest.raises(HashError) as caught:
        parse_hash(stored)
    assert not stored or stored not in str(caught.value)


@given(st.text())
def test_no_text_does_anything_else_than_parse_or_be_refused(text: str) -> None:
    for stored in (text, f"scrypt$15$8$3${text}$AAAA", f"scrypt${text}$8$3$AAAA$AAAA"):
        with pytest.raises(HashError):
            parse_hash(stored)
