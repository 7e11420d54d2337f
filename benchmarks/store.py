"""Measures STOW-RS, WADO-RS and QIDO-RS of a local store, of one of its Orthancs alone, and of an Orthanc without it.

Usage: .venv/bin/python benchmarks/store.py [--quick] [--rounds N] [--public]
"""

import argparse
import os
import re
import statistics
from collections import Counter
from collections.abc import Iterator

import cells
import load
import streams
from cells import Cell, Plan
from load import Load
from servers import Servers, running

FULL = Plan(
    rounds=3,
    clients=(1, 4, 16),
    small_instances=128,
    large_frames=200,
    large_rounds={1: 2, 4: 2, 16: 1},
    searches=480,
    streamed=20,
)
QUICK = Plan(
    rounds=2,
    clients=(1, 4),
    small_instances=32,
    large_frames=20,
    large_rounds={1: 1, 4: 1},
    searches=100,
    streamed=5,
)
CPU_CLIENTS = 4
TIERS = ("client", "nginx", "balancer", "sidecar", "orthanc", "database")
NUMBER = re.compile(r"-[0-9]")
TITLE = 46


def measure(cell: Cell, servers: Servers, spent: Counter[str]) -> dict[str, list[Load]]:
    """Has the servers take turns, round after round, so that what else the machine does hits all of them.

    `spent` is given the CPU seconds that the whole chain took, by tier, for all rounds together.
    """
    names = list(servers.compared)
    loads: dict[str, list[Load]] = {name: [] for name in names}
    for number in range(cell.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            requests = cell.requests(name)
            before = cpu_by_tier(servers)
            done = load.run(servers.compared[name], requests, cell.clients)
            loads[name].append(done)
            if name == "chain":
                spent.update({"client": done.cpu})
                spent.update(cpu_by_tier(servers))
                spent.subtract(before)
    return loads


def cpu_by_tier(servers: Servers) -> Counter[str]:
    """CPU seconds since the start: of NGINX, the balancer, both sidecars, both Orthancs and the database."""
    spent: Counter[str] = Counter()
    for name, container in servers.containers.items():
        if name != "bare":
            spent.update({NUMBER.sub("", name).removeprefix("orthanc-"): container.cpu()})
    return spent


def heading(servers: Servers) -> str:
    """The titles of the columns."""
    others = "".join(f"{f'chain:{name}':>15}" for name in servers.compared if name != "chain")
    return f"{'':{TITLE}}{'clients':>7}" + "".join(f"{name:>9}" for name in servers.compared) + others


def line(cell: Cell, loads: dict[str, list[Load]]) -> str:
    """One line: medians of the rounds, and how the chain's compares: as a ratio, or for searches as a difference."""
    figures = {name: statistics.median(cell.figure(each) for each in done) for name, done in loads.items()}
    chain = figures["chain"]
    others = [figure for name, figure in figures.items() if name != "chain"]
    title = f"{cell.title}, {'ms' if cell.is_time else 'MB/s'}"
    compared = [f"{chain - other:+15.2f}" if cell.is_time else f"{chain / other:15.2f}" for other in others]
    return (
        f"{title:{TITLE}}{cell.clients:7}"
        + "".join(f"{f:9.1f}" for f in figures.values())
        + "".join(compared)
    )


def cpu_lines(costs: dict[str, dict[str, float]]) -> Iterator[str]:
    """What each tier of the chain takes of the processors, and the client."""
    yield f"{'CPU seconds of the chain':{TITLE}}" + "".join(f"{tier:>10}" for tier in TIERS)
    for title, cost in costs.items():
        yield f"{title:{TITLE}}" + "".join(f"{cost[tier]:10.2f}" for tier in TIERS)


def main(plan: Plan, public: bool) -> None:
    """Runs it all and prints it."""
    busy = os.getloadavg()[0]
    with running(public) as servers:
        first = {name: container.memory() for name, container in servers.containers.items()}
        print("\n" + heading(servers))
        costs, repeated = {}, dict.fromkeys(servers.compared, 0)
        for cell in cells.planned(plan, servers):
            spent: Counter[str] = Counter()
            loads = measure(cell, servers, spent)
            print(line(cell, loads), flush=True)
            for name, done in loads.items():
                repeated[name] += sum(each.repeated for each in done)
            if cell.clients == CPU_CLIENTS:
                costs[cell.cost_title] = {name: seconds / cell.cost_units for name, seconds in spent.items()}
        print("\nRepeated after a 503: " + ", ".join(f"{name} {count}" for name, count in repeated.items()))
        print("\n" + "\n".join(cpu_lines(costs)) + "\n")
        for text in streams.report(servers, plan.streamed, plan.large_frames, first):
            print(text, flush=True)
    print(
        f"\nLoad {busy:.1f} on {os.cpu_count()} processors before it began: ratios are less true the higher that was."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="less of all: less than a minute instead of about eight"
    )
    parser.add_argument("--rounds", type=int, help="how often each server has its turn")
    parser.add_argument(
        "--public", action="store_true", help="also enter by the stand-in of the public load balancer"
    )
    arguments = parser.parse_args()
    chosen = QUICK if arguments.quick else FULL
    main(chosen.of_rounds(arguments.rounds) if arguments.rounds else chosen, arguments.public)
