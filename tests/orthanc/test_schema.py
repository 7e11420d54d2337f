"""When Orthanc may start on a database whose schema is another, played on a clock and a database of the test's own."""

import importlib
import json
import sys
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.documents.blocks import PROJECT

PROGRAM = PROJECT / "orthanc" / "program"
SCHEMAS: dict[str, int] = json.loads((PROGRAM / "schemas.json").read_text())
FORMER = ("orthanc-postgresql-9.0",)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The module, which the image has in a folder of its own rather than in a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROGRAM))
        patch.delitem(sys.modules, "settings", raising=False)
        yield importlib.import_module("schema")


@dataclass(frozen=True)
class State:
    """How the database is for some seconds: its schema, who is connected, whether another task converts."""

    found: int | None
    others: tuple[str, ...] = ()
    is_locked: bool = False
    seconds: float = 1


class Database:
    """A cursor and a clock: the database has one state after the other, and the last one from then on."""

    def __init__(self, module: ModuleType, *states: State) -> None:
        self._module, self._states = module, states
        self.now = 0.0
        self.others_seen = self.asked_others = -1.0
        self.has_lock = False
        self._answer: list[tuple[Any, ...]] = []

    @property
    def state(self) -> State:
        elapsed = 0.0
        for state in self._states:
            elapsed += state.seconds
            if self.now < elapsed:
                return state
        return self._states[-1]

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        if statement == self._module._IS_MADE:
            self._answer = [(self.state.found is not None,)]
        elif statement == self._module._SCHEMA:
            self._answer = [(str(self.state.found),)]
        elif statement == self._module._OTHERS:
            self.asked_others = self.now
            self._answer = [(name,) for name in self.state.others if name not in values]
            if self._answer:
                self.others_seen = self.now
        else:
            assert "pg_try_advisory_lock" in statement
            self.has_lock = self.has_lock or not self.state.is_locked
            self._answer = [(self.has_lock,)]

    def fetchone(self) -> tuple[Any, ...]:
        return self._answer[0]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._answer

    def converts(self, plugin: str) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self._module, "time", self)
            return bool(self._module.converts(self, plugin))


@pytest.mark.parametrize("found", [None, 10])
def test_an_empty_database_or_one_of_the_same_schema_is_no_reason_to_wait(
    schema: ModuleType, found: int | None
) -> None:
    database = Database(schema, State(found, FORMER, is_locked=True))
    assert not database.converts("10.3")
    assert database.now == 0


def test_a_newer_schema_is_refused_at_once(schema: ModuleType) -> None:
    database = Database(schema, State(11))
    with pytest.raises(schema.SchemaError, match=r"has schema 11, and the PostgreSQL plugin 10\.3 .* 10"):
        database.converts("10.3")
    assert database.now == 0


@pytest.mark.parametrize("plugin", ["10.3", "11.0"])
def test_a_version_that_stays_connected_is_named_after_a_minute(schema: ModuleType, plugin: str) -> None:
    database = Database(schema, State(6, FORMER))
    with pytest.raises(schema.SchemaError, match=r"orthanc-postgresql-9\.0 .*`orthanc-aws upgrade`"):
        database.converts(plugin)
    assert database.now == pytest.approx(schema.PATIENCE_SECONDS, abs=2)


def test_connections_that_linger_or_come_back_are_waited_for(schema: ModuleType) -> None:
    states = (State(6, FORMER, seconds=20), State(6, seconds=10), State(6, FORMER, seconds=5), State(6))
    database = Database(schema, *states)
    assert database.converts("10.3")
    assert database.now == pytest.approx(35 + schema.QUIET_SECONDS, abs=2)


def test_a_task_waits_while_another_one_converts_however_long_it_takes(schema: ModuleType) -> None:
    own = ("orthanc-postgresql-10.3",)
    database = Database(schema, State(6, own, is_locked=True, seconds=4000), State(10, own, is_locked=True))
    assert not database.converts("10.3")
    assert database.now == pytest.approx(4000, abs=2)


def test_a_schema_that_becomes_newer_meanwhile_is_refused(schema: ModuleType) -> None:
    database = Database(schema, State(6, is_locked=True, seconds=30), State(11, is_locked=True))
    with pytest.raises(schema.SchemaError, match="older schema 10"):
        database.converts("10.3")


def test_the_next_one_converts_where_the_first_one_died(schema: ModuleType) -> None:
    database = Database(schema, State(6, is_locked=True, seconds=30), State(6))
    assert database.converts("10.3")


def test_tasks_of_one_unknown_version_start_beside_each_other(schema: ModuleType) -> None:
    database = Database(schema, State(11, ("orthanc-postgresql-11.0",), is_locked=True))
    assert not database.converts("11.0")


STATES = st.builds(
    State,
    found=st.sampled_from([0, 6, 10, 11]),
    others=st.sampled_from([(), FORMER, ("orthanc",), ("orthanc-postgresql-10.3",)]),
    is_locked=st.booleans(),
    seconds=st.integers(1, 90),
)


@given(st.lists(STATES, min_size=1, max_size=8), st.sampled_from([*SCHEMAS, "11.0"]))
def test_nothing_is_converted_that_others_use_or_that_is_newer(
    schema: ModuleType, states: list[State], plugin: str
) -> None:
    database = Database(schema, *states, replace(states[-1], is_locked=False))
    own, before = SCHEMAS.get(plugin), states[0].found
    try:
        converts = database.converts(plugin)
    except schema.SchemaError:
        assert before != own
        is_newer = own is not None and database.state.found > own
        assert is_newer or database.others_seen >= schema.PATIENCE_SECONDS
        return
    if converts:
        assert database.has_lock
        assert before < own
    elif own is not None:
        assert own in (before, database.state.found)
    if converts or own is None:
        assert database.asked_others - max(database.others_seen, 0) >= schema.QUIET_SECONDS - 2


def test_the_schemas_of_later_versions_are_no_older() -> None:
    versions = [tuple(map(int, version.split("."))) for version in SCHEMAS]
    assert versions == sorted(versions)
    assert list(SCHEMAS.values()) == sorted(SCHEMAS.values())
