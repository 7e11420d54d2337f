"""The committed picture is the one that its source describes."""

import html
import re
import shutil

import pytest

from scripts.documents.picture import PICTURE, SOURCE, drawn, signature


def labels(svg: str) -> set[str]:
    """All text of a picture; where it stands and how it breaks differs between versions of Graphviz."""
    return {html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)}


def test_the_picture_was_drawn_from_its_source_as_it_is_now() -> None:
    assert signature(SOURCE) in PICTURE.read_text("utf-8"), "Run docs/update."


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
def test_the_picture_says_what_graphviz_draws() -> None:
    assert labels(PICTURE.read_text("utf-8")) == labels(drawn(SOURCE))


def test_the_picture_shows_every_tier_in_its_subnets() -> None:
    shown = labels(PICTURE.read_text("utf-8"))
    assert {"Public subnets", "Application subnets", "NGINX tasks", "Orthanc tasks", "AWS WAF"} <= shown
