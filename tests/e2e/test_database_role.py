"""The role that Orthanc logs in with, and the step that makes it."""

import pytest

from tests.e2e.faults import query, tasks
from tests.e2e.inside import database_role
from tests.e2e.running import Running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-inside")]
NEXT = {"DATABASE_USER": "orthanc_b", "DATABASE_PASSWORD": "Tn5cW8x2"}


def test_the_next_generation_of_the_role_may_do_all_with_what_a_former_one_made(
    shared_store: Running,
) -> None:
    code, said = database_role(shared_store, **NEXT)
    assert (code, said) == (0, "The database role orthanc_b is ready\n")
    made = "INSERT INTO storagearea VALUES ('made-before', lo_from_bytea(0, 'orphan'), 1)"
    query(shared_store, f"SET ROLE orthanc_owner; {made}")
    task = tasks(shared_store)[0]
    task.sweep(0, **NEXT)
    assert task.sweep(0, **NEXT) >= 1
    assert query(shared_store, "SELECT FROM storagearea WHERE uuid = 'made-before'") == []


def test_the_role_may_not_do_what_a_master_may(shared_store: Running) -> None:
    rights = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    roles = "('orthanc_a', 'orthanc_owner')"
    found = query(shared_store, f"SELECT rolname, {rights} FROM pg_roles WHERE rolname IN {roles} ORDER BY 1")
    assert found == [["orthanc_a", *"fffff"], ["orthanc_owner", *"fffff"]]


def test_a_wrong_password_of_the_master_is_told_at_once(shared_store: Running) -> None:
    code, said = database_role(shared_store, DATABASE_MASTER_PASSWORD="Xo8mR2v5")
    assert code == 1
    assert said.startswith("The database role could not be made: ")
    assert "password authentication failed" in said
    assert "Xo8mR2v5" not in said
