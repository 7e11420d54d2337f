"""How the templates stand to each rule of AWS Config's HIPAA conformance pack."""

import re

from scripts.documents.controls import controls
from scripts.documents.pack import ANSWERS, PACK, reasons
from scripts.documents.tables import NOTHING, table


def by_rule() -> str:
    """A table for each kind of answer, and how many rules have it."""
    kinds = {
        "Met": _met(),
        "Met within bounds": _bounded(),
        "Waived": _waived(),
        "Not met in full": _not_met(),
        "Not of this store": _absent(),
        "Of the account": _account(),
    }
    counts = ", ".join(f"{len(answers(kind))} {kind[0].lower()}{kind[1:]}" for kind in kinds)
    sections = [f"### {kind}\n\n{text}" for kind, text in kinds.items()]
    return "\n\n".join([_source(), f"Of its {len(PACK['rules'])} rules: {counts}.", *sections])


def _source() -> str:
    file = f"https://github.com/{PACK['repository']}/blob/{PACK['commit']}/{PACK['path']}"
    return f"The pack: [{PACK['path'].split('/')[-1]}]({file}), read on {PACK['read']}."


def answers(kind: str) -> list[str]:
    """The rules of the pack with one kind of answer; each rule has one, and only the first that fits."""
    return [rule for rule in PACK["rules"] if answer(rule) == kind]


def answer(rule: str) -> str:
    """The kind of answer to a rule of the pack; raises LookupError where there is none."""
    fitting = {
        "Of the account": rule in ANSWERS["account"],
        "Not of this store": any(rule in rules for rules in ANSWERS["absent"].values()),
        "Not met in full": rule in ANSWERS["not_met"],
        "Waived": bool(reasons(rule)),
        "Met within bounds": bool(_remarks(rule)),
        "Met": bool(_met_by(rule)),
    }
    for kind, fits in fitting.items():
        if fits:
            return kind
    raise LookupError(f"{rule} has no answer")


def _met_by(rule: str) -> list[str]:
    return [control.title for control in controls() if rule in control.meets()]


def _link(title: str) -> str:
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    return f"[{title}](#{anchor})"


def _links(rule: str) -> str:
    """The sections of the controls that meet a rule."""
    return ", ".join(map(_link, _met_by(rule))) or NOTHING


def _met() -> str:
    met = answers("Met")
    rows = [
        (_link(control.title), ", ".join(rules))
        for control in controls()
        if (rules := [rule for rule in control.meets() if rule in met])
    ]
    return table(("Where", "Rules"), rows)


def _bounded() -> str:
    rows = [(rule, _remarks(rule), _links(rule)) for rule in answers("Met within bounds")]
    return table(("Rule", "Bounds", "Where"), rows)


def _remarks(rule: str) -> str:
    """What a rule that is met is not met for, and which parameters it depends on."""
    evidence = [item for control in controls() for item in control.evidence if rule in item.meets]
    exceptions = {f"Not `{name}`: {reason}" for item in evidence for name, reason in item.exceptions.items()}
    depends = {f"{words[0].upper()}{words[1:]}." for item in evidence for words in item.depends()}
    return " ".join([*sorted(depends), *sorted(exceptions)])


def _waived() -> str:
    rows = [(rule, _reasons(rule), _links(rule)) for rule in answers("Waived")]
    return table(("Rule", "Waived, because", "Otherwise met by"), rows)


def _reasons(rule: str) -> str:
    waived: dict[str, list[str]] = {}
    for name, reason in reasons(rule).items():
        waived.setdefault(reason, []).append(f"`{name}`")
    return " ".join(f"{', '.join(names)}: {reason}" for reason, names in waived.items())


def _not_met() -> str:
    rows = [(rule, ANSWERS["not_met"][rule], _links(rule)) for rule in answers("Not met in full")]
    return table(("Rule", "What is missing, and why", "The part that is met"), rows)


def _absent() -> str:
    rows = [
        (f"`{kind.removesuffix('::')}`", ", ".join(rules))
        for kind, rules in sorted(ANSWERS["absent"].items())
    ]
    return table(("No template has a resource of", "Rules"), rows)


def _account() -> str:
    return table(("Rule", "What it asks of the account"), ANSWERS["account"].items())
