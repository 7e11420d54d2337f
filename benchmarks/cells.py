"""What is measured, cell by cell, in the order in which each finds stored what it retrieves."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import load
from dicom import FRAME_BYTES, Instance, study
from load import Load, Request
from servers import Servers

_MB = 1_000_000
_GB = 1_000_000_000
_MIB = 1024 * 1024
_INSTANCES_IN_A_STUDY = 8


@dataclass(frozen=True)
class Plan:
    """How much is measured. Small instances have one frame of 512 KiB, large ones as many as `large_frames` says.

    `large_rounds` gives the rounds with large instances by the number of clients, each of which sends one.
    """

    rounds: int
    clients: tuple[int, ...]
    small_instances: int
    large_frames: int
    large_rounds: dict[int, int]
    searches: int
    streamed: int

    def of_rounds(self, rounds: int) -> "Plan":
        """The same with this many rounds of everything."""
        return replace(self, rounds=rounds, large_rounds=dict.fromkeys(self.large_rounds, rounds))


@dataclass(frozen=True)
class Cell:
    """A line of the table. `requests` makes those of one turn of the server that it is given the name of."""

    title: str
    clients: int
    rounds: int
    requests: Callable[[str], list[Request]] = field(repr=False)
    size: int
    is_time: bool = False

    def figure(self, done: Load) -> float:
        """MB/s, or the median of a request's milliseconds."""
        return 1000 * statistics.median(done.requests) if self.is_time else self.size / _MB / done.seconds

    @property
    def cost_title(self) -> str:
        """What the CPU seconds of all rounds are divided by, in words."""
        return f"{self.title}, " + ("1,000 times" if self.is_time else "1 GB")

    @property
    def cost_units(self) -> float:
        """What the CPU seconds of all rounds are divided by."""
        return self.rounds * self.size / (1000 if self.is_time else _GB)


class Images:
    """What has been stored by which server, oldest first, by kind."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, str], list[list[Instance]]] = {}

    def upload(self, kind: str, studies: int, instances: int, frames: int, server: str) -> list[Request]:
        """A request for each instance of new studies."""
        made = [instance for _ in range(studies) for instance in study(instances, frames)]
        self._stored.setdefault((server, kind), []).append(made)
        return [load.store(instance) for instance in made]

    def retrieve_instances(self, kind: str, server: str) -> list[Request]:
        """A request for each instance of what was stored first, which then counts as retrieved."""
        return [load.retrieve(instance.path) for instance in self._stored[server, kind].pop(0)]

    def retrieve_studies(self, kind: str, server: str) -> list[Request]:
        """The same, with a request for each study."""
        stored = self._stored[server, kind].pop(0)
        return [load.retrieve(f"/studies/{uid}") for uid in dict.fromkeys(each.study for each in stored)]


def planned(plan: Plan, servers: Servers) -> Iterator[Cell]:
    """The cells. What lies between them is done, unmeasured, when the next one is asked for."""
    images = Images()
    yield from _stow(plan, images)
    hot = _hot(plan, servers)
    yield from _wado_again(plan, hot)
    yield from _qido(plan, hot)
    yield from _wado_large(plan, images)
    yield from _wado_first(plan, images)


def _stow(plan: Plan, images: Images) -> Iterator[Cell]:
    for clients in plan.clients:
        studies = plan.small_instances // _INSTANCES_IN_A_STUDY
        upload = partial(images.upload, f"small {clients}", studies, _INSTANCES_IN_A_STUDY, 1)
        yield Cell("STOW of 512 KiB", clients, plan.rounds, upload, plan.small_instances * FRAME_BYTES)
    for clients, rounds in plan.large_rounds.items():
        upload = partial(images.upload, f"large {clients}", clients, 1, plan.large_frames)
        yield Cell(
            f"STOW of {_large(plan)}", clients, rounds, upload, clients * plan.large_frames * FRAME_BYTES
        )


def _hot(plan: Plan, servers: Servers) -> dict[str, list[Instance]]:
    """Instances that every Orthanc has in its memory, by the servers that they are on."""
    chain, bare = servers.compared["chain"], servers.compared["bare"]
    in_database, in_bare = study(plan.small_instances, 1), study(plan.small_instances, 1)
    for server, instances in ((chain, in_database), (bare, in_bare)):
        load.run(server, [load.store(instance) for instance in instances], 1)
    for orthanc, instances in (*((each, in_database) for each in servers.orthancs), (bare, in_bare)):
        load.run(orthanc, [load.retrieve(instance.path) for instance in instances], 1)
    return {name: in_bare if name == "bare" else in_database for name in servers.compared}


def _wado_again(plan: Plan, hot: dict[str, list[Instance]]) -> Iterator[Cell]:
    def requests(server: str) -> list[Request]:
        return [load.retrieve(instance.path) for instance in hot[server]]

    for clients in plan.clients:
        size = plan.small_instances * FRAME_BYTES
        yield Cell("WADO of 512 KiB, from memory", clients, plan.rounds, requests, size)


def _qido(plan: Plan, hot: dict[str, list[Instance]]) -> Iterator[Cell]:
    def requests(server: str) -> list[Request]:
        return [load.search(hot[server][0])] * plan.searches

    for clients in plan.clients:
        yield Cell("QIDO of a study", clients, plan.rounds, requests, plan.searches, is_time=True)


def _wado_large(plan: Plan, images: Images) -> Iterator[Cell]:
    for clients, rounds in plan.large_rounds.items():
        requests = partial(images.retrieve_instances, f"large {clients}")
        yield Cell(
            f"WADO of {_large(plan)}", clients, rounds, requests, clients * plan.large_frames * FRAME_BYTES
        )


def _wado_first(plan: Plan, images: Images) -> Iterator[Cell]:
    """Small images, which the large ones have driven out of Orthanc's memory, unless there are too few of those."""
    for clients in plan.clients:
        requests = partial(images.retrieve_studies, f"small {clients}")
        size = plan.small_instances * FRAME_BYTES
        yield Cell("WADO of 4 MiB studies, from storage", clients, plan.rounds, requests, size)


def _large(plan: Plan) -> str:
    return f"{plan.large_frames * FRAME_BYTES // _MIB} MiB"
