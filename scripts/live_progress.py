"""A deployment as a tree that is redrawn in place."""

from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from scripts.progress import Step, Steps, look

if TYPE_CHECKING:
    from scripts.aws.events import Event


class LiveProgress:
    """The tree of stacks on stderr; those at work are unfolded to the resources that have a description."""

    def __init__(self, steps: Steps, console: Console | None = None) -> None:
        self._steps = steps
        self._lock = Lock()
        self._notice = ""
        self._live = Live(
            console=console or Console(stderr=True),
            get_renderable=self._tree,
            refresh_per_second=4,
            vertical_overflow="ellipsis",
        )

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def events(self, events: "list[Event]") -> None:
        """Takes new events into the tree."""
        with self._lock:
            self._notice = ""
            for event in events:
                self._steps.take(event)

    def notice(self, text: str) -> None:
        """Shows a line below the tree until the next event."""
        with self._lock:
            self._notice = text

    def _tree(self) -> Any:
        with self._lock:
            root = self._steps.root()
            tree = Tree(_label(root, self._steps.stack_name) if root else Text(self._steps.stack_name))
            self._grow(tree, ())
            if self._notice:
                tree.add(Text(f"! {self._notice}", style="yellow"))
            return tree

    def _grow(self, tree: Tree, path: tuple[str, ...]) -> None:
        for step in self._steps.inside(path):
            branch = tree.add(_label(step, step.path[-1]))
            if step.is_stack and (step.is_at_work or step.status.endswith("_FAILED")):
                self._grow(branch, step.path)


def _label(step: Step, name: str) -> Text:
    symbol, colour = look(step.status)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{symbol} {name}", style=colour)
    if step.is_stack and step.resources:
        text.append(f"  {step.finished_resources} done", style="dim")
    if step.is_at_work:
        text.append(f"  {_age(step)}", style="dim")
    if step.description:
        text.append(f"  {step.description}")
    if step.status.endswith("_FAILED"):
        text.append(f"  {step.reason}", style="red")
    return text


def _age(step: Step) -> str:
    minutes, seconds = divmod(max(0, int((datetime.now(UTC) - step.started).total_seconds())), 60)
    return f"{minutes}:{seconds:02}"
