from nginx.access.cache import ENTRIES, SECONDS, VerifiedCredentials


def test_credentials_are_found_until_a_while_after_their_last_use() -> None:
    cache = VerifiedCredentials()
    digest = cache.digest(b"Basic YTpi")
    cache.add(digest, "a", "stored", now=0)
    assert cache.find(digest, SECONDS - 1) == ("a", "stored")
    assert cache.find(digest, 2 * SECONDS - 2) == ("a", "stored")
    assert cache.find(digest, 3 * SECONDS) is None


def test_the_number_of_credentials_remembered_is_bounded_and_the_least_used_go_first() -> None:
    cache = VerifiedCredentials()
    for number in range(ENTRIES):
        cache.add(cache.digest(str(number).encode()), "a", "stored", now=0)
    assert cache.find(cache.digest(b"0"), 1)
    cache.add(cache.digest(b"new"), "a", "stored", now=1)
    assert cache.find(cache.digest(b"0"), 1)
    assert cache.find(cache.digest(b"1"), 1) is None


def test_credentials_themselves_are_not_kept() -> None:
    cache = VerifiedCredentials()
    cache.add(cache.digest(b"Basic c2VjcmV0"), "a", "stored", now=0)
    assert b"c2VjcmV0" not in repr(vars(cache)).encode()


def test_another_process_has_other_digests() -> None:
    assert VerifiedCredentials().digest(b"x") != VerifiedCredentials().digest(b"x")
