"""Write the Chinese lessons and pages: the English ones with the text of the catalogues, in the folder zh beside each.

    python notebooks/zh/build.py [--start] [--figures] notebooks/03_batch_normalization.ipynb docs/errata.md ...

First each catalogue gets one entry for every paragraph, heading, list item, table cell and description of a figure.
An entry whose English changed becomes fuzzy. What is fuzzy or untranslated stays English in the lesson.
Without --start, lessons and pages that have no catalogue are passed over. --figures executes lessons whose figures are
not those of the English lesson today, to draw them in Chinese.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import re
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
import polib

Document = nbformat.NotebookNode | str  # a lesson, or the text of a page
HEADER = {"Language": "zh_CN", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8"}
HEADER["Content-Transfer-Encoding"] = "8bit"
CODE = re.compile(r"(```.*?```)", re.DOTALL)
WRAPPED = re.compile(r"(?<=\S)\n *(?=\S)(?![|#>]|[*+-] |\d+\. )")  # where a paragraph goes on in the next line
LINE, CELL = re.compile(".+"), re.compile(r"(?<=\| )[^|]+(?= \|)")
NOT_WORDS = re.compile(r"`[^`]*`|(\$\$?)[^$]*\1|<[^>]*>|\]\([^)]*\)")
WORDS_MISSING = "from gluon_cnn.plots import language\nprint(*sorted(language.missing), sep='\\n')"


def translate_text(text: str, translate: Callable[[str], str]) -> str:
    """Translate each paragraph, heading, list item and table cell of Markdown that has words; leave blocks of code."""

    def translate_part(match: re.Match) -> str:
        return translate(match[0]) if re.search("[A-Za-z]{2}|, ", NOT_WORDS.sub("", match[0])) else match[0]

    parts = CODE.split(text)
    for k in range(0, len(parts), 2):
        lines = WRAPPED.sub(" ", parts[k]).split("\n")
        parts[k] = "\n".join((CELL if line.startswith("|") else LINE).sub(translate_part, line) for line in lines)
    return "".join(parts)


def translate_document(document: Document, translate: Callable[[str], str]) -> Document:
    """Return a page, or a copy of a lesson, with translated text and descriptions of figures."""
    if isinstance(document, str):
        return translate_text(document, translate)
    lesson = deepcopy(document)
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            cell.source = translate_text(cell.source, translate)
        if "alt" in cell.metadata:
            cell.metadata.alt = translate(cell.metadata.alt)
    return lesson


def paragraphs(document: Document) -> list[str]:
    """Return what there is to translate, in its order, each once."""
    found: dict[str, None] = {}
    translate_document(document, lambda text: found.setdefault(text) or text)
    return list(found)


def update(catalogue: polib.POFile, document: Document) -> polib.POFile:
    """Return a catalogue for the lesson or page as it is now.

    Where the English is new, the translation of the most similar entry that is no longer needed is taken over as fuzzy,
    with its English as the previous one. Other entries that are no longer needed stay at the end, marked as obsolete.
    """
    known = {entry.msgid: entry for entry in catalogue}
    wanted = paragraphs(document)
    unused = {text: known[text] for text in known if text not in wanted and known[text].msgstr}
    updated = polib.POFile(wrapwidth=0)
    updated.header, updated.metadata = catalogue.header or "See CONTRIBUTING.md", {**HEADER, **catalogue.metadata}
    for text in wanted:
        entry = known.get(text) or polib.POEntry(msgid=text)
        entry.obsolete = False
        if text not in known and (similar := difflib.get_close_matches(text, unused, 1)):
            old = unused.pop(similar[0])
            entry.msgstr, entry.tcomment, entry.flags = old.msgstr, old.tcomment, ["fuzzy"]
            entry.previous_msgid = old.previous_msgid if old.fuzzy else old.msgid
        if not entry.fuzzy:
            entry.previous_msgid = None
        updated.append(entry)
    for entry in unused.values():
        entry.obsolete = True
        updated.append(entry)
    return updated


def adjust_links(line: str, folder: Path) -> str:
    """Let the links of a line hold in the folder zh, and lead to the Chinese lessons and pages that there are."""

    def adjust(link: re.Match) -> str:
        path = folder / link[1]
        chinese = path.parent / "zh" / path.name
        return "](" + os.path.relpath(chinese if chinese.with_suffix(".po").exists() else path, folder / "zh")

    return re.sub(r"\]\((?!\w+:)([^)#]+)", adjust, line)


def figures(lesson: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the data of the outputs with figures."""
    outputs = (output for cell in lesson.cells for output in cell.get("outputs", []))
    return [output.data for output in outputs if "image/png" in output.get("data", {})]


def digest(lesson: nbformat.NotebookNode) -> str:
    """Return a digest of the figures."""
    return hashlib.sha256("\0".join(data["image/png"] for data in figures(lesson)).encode()).hexdigest()[:16]


def build(document: Document, catalogue: polib.POFile, folder: Path, drawn: Document | None) -> Document:
    """Return the Chinese edition; its figures are those of ``drawn`` if these were made for today's English ones."""
    words = {entry.msgid: entry.msgstr for entry in catalogue if entry.translated()}
    built = translate_document(document, lambda text: adjust_links(words.get(text, text), folder))
    if drawn and not isinstance(document, str) and drawn.metadata.get("figures") == digest(document):
        built.metadata["figures"] = digest(document)
        for data, chinese in zip(figures(built), figures(drawn), strict=True):
            data["image/png"] = chinese["image/png"]
    return built


def draw(lesson: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Execute a lesson with Chinese words in its figures; exit if words have no row in the package's zh.csv."""
    from gluon_cnn.plots import language
    from nbclient import NotebookClient

    os.environ.update(GLUON_CNN_LANGUAGE="zh", TQDM_DISABLE="1")
    if not language.find_font("zh"):
        sys.exit(language.NO_FONT.format("zh"))
    drawn = deepcopy(lesson)
    drawn.cells.append(nbformat.v4.new_code_cell(WORDS_MISSING))
    NotebookClient(drawn, timeout=None, resources={"metadata": {"path": str(folder)}}).execute()
    words = drawn.cells.pop().outputs[0].text.strip()
    if words:
        sys.exit(f"words in figures without a row in gluon_cnn/plots/zh.csv:\n{words}")
    drawn.metadata["figures"] = digest(lesson)
    return drawn


def read(path: Path) -> Document:
    """Return a lesson, or the text of a page."""
    return path.read_text() if path.suffix == ".md" else nbformat.read(path, as_version=4)


def main() -> None:
    """Bring the catalogues and the Chinese editions up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="+", type=Path, help="English lessons and pages")
    parser.add_argument("--start", action="store_true", help="begin a catalogue where there is none")
    parser.add_argument("--figures", action="store_true", help="draw figures in Chinese where the English ones changed")
    options = parser.parse_args()
    for path in options.documents:
        target = path.parent / "zh" / path.name
        po = target.with_suffix(".po")
        if not po.exists() and not options.start:
            continue
        document = read(path)
        catalogue = update(polib.pofile(str(po), wrapwidth=0) if po.exists() else polib.POFile(), document)
        target.parent.mkdir(exist_ok=True)
        catalogue.save(str(po))
        drawn = read(target) if target.exists() else None
        lesson = not isinstance(document, str)
        if lesson and options.figures and (drawn is None or drawn.metadata.get("figures") != digest(document)):
            drawn = draw(document, path.parent)
        built = build(document, catalogue, path.parent, drawn)
        nbformat.write(built, target) if lesson else target.write_text(built)
        left = len(catalogue.fuzzy_entries()) + len(catalogue.untranslated_entries())
        print(f"{target}: {left} of {len(paragraphs(document))} paragraphs to translate" if left else target)


if __name__ == "__main__":
    main()
