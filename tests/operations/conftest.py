"""What tests of several operations deploy with."""

from pathlib import Path

import pytest

from scripts.aws.session import Session
from tests.operations.deployer import Deployer


@pytest.fixture
def deployer(tmp_path: Path, session: Session) -> Deployer:
    return Deployer(tmp_path, session)
