"""`docs/update`: writes the picture and every generated block anew."""

import shutil
import sys

from scripts.documents.blocks import BLOCKS, TRANSCRIPTS, filled, markdown_files
from scripts.documents.picture import PICTURE, SOURCE, drawn

for file in markdown_files():
    file.write_text(filled(file.read_text("utf-8"), BLOCKS | TRANSCRIPTS), "utf-8")
if not shutil.which("dot"):
    sys.exit(
        "The tables are up to date. The picture needs Graphviz: install `graphviz`, then run this again."
    )
PICTURE.write_text(drawn(SOURCE), "utf-8")
