"""One emulator for all tests of this folder."""

from collections.abc import Iterator

import pytest

from scripts.emulator import running
from tests.emulator.account import BUCKET, Account


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    with running() as emulator:
        account = Account(emulator)
        account.client("s3").create_bucket(Bucket=BUCKET)
        yield account
