"""The Chinese lessons and pages are in step with the English ones, and their text with the glossary."""

import csv
import re
import sys
from collections import Counter
from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unicodedata import category, normalize

import pytest

nbformat = pytest.importorskip("nbformat")
polib = pytest.importorskip("polib")
ROOT = Path(__file__).parent.parent
ENGLISH = ROOT / "notebooks"
CATALOGUES = sorted((ENGLISH / "zh").glob("*.po"))
PAGES = sorted((ROOT / "docs" / "zh").glob("*.po"))
LESSON = "03_batch_normalization.ipynb"

spec = spec_from_file_location("build", ENGLISH / "zh" / "build.py")
assert spec
assert spec.loader
translation = module_from_spec(spec)
spec.loader.exec_module(translation)


def read(path):
    return nbformat.read(path, as_version=4)


def glossary():
    """Yield (English term, its pattern, Chinese terms): ``*`` ends a stem, ``/`` separates what may stand for it."""
    with open(ENGLISH / "zh" / "glossary.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            term = re.escape(row["english"]).replace(r"\*", r"\w*")
            yield row["english"], re.compile(rf"\b{term}s?\b", re.IGNORECASE), row["chinese"].split("/")


def terms_missing(english, chinese, comment):
    """Return the terms of the glossary that are not translated as it says; a comment 'glossary: TERM' permits that.

    What is in italics does not count: titles of papers, names of menus.
    """
    words = re.sub(r"(?<!\*)\*[^*]+\*(?!\*)", " ", translation.NOT_WORDS.sub(" ", english))
    missing = [term for term, pattern, names in glossary() if pattern.search(words) and not contains(chinese, names)]
    return [term for term in missing if f"glossary: {term}" not in comment]


def contains(text, names):
    return any(name in text for name in names)


def marks(text):
    """Return what stays as it is: code, formulas, links, tags, how the line starts, what separates cells."""
    parts = [match[0] for match in translation.NOT_WORDS.finditer(text)]
    return Counter([*parts, *re.match(r"(#+ |- |\d+\. )?", text).groups(), *re.findall(r"\*\*|\|", text)])


def emphasis_not_shown(text):
    """Return asterisks that Markdown does not take for emphasis, as they stand between punctuation and a character."""
    found = []
    for k, match in enumerate(re.finditer(r"\*\*", text)):
        inside, outside = (match.end(), match.start() - 1) if k % 2 == 0 else (match.start() - 1, match.end())
        outer = text[outside] if 0 <= outside < len(text) else " "
        if category(text[inside])[0] in "PS" and category(outer)[0] not in "PSZ":
            found.append(text[max(match.start() - 4, 0) : match.end() + 4])
    return found


UNITS = {"million": 10**6, "M": 10**6, "billion": 10**9, "万": 10**4, "亿": 10**8}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?: ?((?:million|M|billion)\b|[万亿])|×10([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?")


def numbers(text):
    """Return the numbers as they are written; those with a unit by their value, as 1.2 million is 120 万."""
    found = set()
    text = re.sub(r"20 世纪 (\d0) 年代", r"19\1", translation.NOT_WORDS.sub(" ", text).replace(",", ""))
    for number, unit, power in NUMBER.findall(text):
        if unit or power:
            value = Decimal(number) * (UNITS[unit] if unit else 10 ** int(normalize("NFKC", power)))
            number = f"{value.normalize():f}"
        found.add(number)
    return found


def paragraph_faults(entry):
    """Yield what is wrong with the translation of a paragraph."""
    if not entry.translated():
        yield "fuzzy" if entry.fuzzy else "untranslated"
        return
    if "\n" in entry.msgstr:
        yield "a paragraph is one line"
    if marks(entry.msgid) != marks(entry.msgstr):
        changed = (marks(entry.msgid) - marks(entry.msgstr)) + (marks(entry.msgstr) - marks(entry.msgid))
        yield f"code, formulas, links, tags or markup differ: {list(changed)}"
    if broken := emphasis_not_shown(entry.msgstr):
        yield f"needs a space, or the punctuation on the other side: {broken}"
    if numbers(entry.msgid) - numbers(entry.msgstr):
        yield f"numbers are missing: {numbers(entry.msgid) - numbers(entry.msgstr)}"
    if terms := terms_missing(entry.msgid, entry.msgstr, entry.tcomment):
        yield f"not as in glossary.csv: {terms}"


def faults(path):
    """Yield what is wrong with a Chinese lesson or page, given its catalogue."""
    folder = path.parent.parent
    (english,) = (found for end in (".ipynb", ".md") if (found := folder / f"{path.stem}{end}").exists())
    target = path.parent / english.name
    document, chinese = translation.read(english), translation.read(target)
    advice = f"{path.name}: .venv/bin/python notebooks/zh/build.py {folder.name}/{english.name}"
    updated = translation.update(polib.pofile(str(path), wrapwidth=0), document)
    if str(updated) != path.read_text():
        yield f"the catalogue is not that of today's English text: {advice}"
    for entry in updated:
        if not entry.obsolete:
            yield from (f"{path.name}: {fault}: {entry.msgid[:80]}" for fault in paragraph_faults(entry))
    if translation.build(document, updated, folder, chinese) != chinese:
        yield f"{target.name} is not what its catalogue gives: {advice}"
    texts = [chinese]
    if english.suffix == ".ipynb":
        texts = [cell.source for cell in chinese.cells if cell.cell_type == "markdown"]
        if [without_figures(cell) for cell in document.cells] != [without_figures(cell) for cell in chinese.cells]:
            yield f"{target.name}: code or outputs differ from the English lesson"
        if translation.figures(document) and chinese.metadata.get("figures") != translation.digest(document):
            yield f"{target.name}: its figures are English, or those of other English ones: {advice} --figures"
    links = [link for text in texts for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)]
    yield from (f"{target.name} links to {link}" for link in links if not (path.parent / link).exists())


def without_figures(cell):
    """Return all of a cell that has to be the English one's."""
    if cell.cell_type == "markdown":
        return cell.id, cell.metadata
    outputs = [{**output, "data": {**output.get("data", {}), "image/png": ""}} for output in cell.outputs]
    return cell.id, cell.source, cell.execution_count, {**cell.metadata, "alt": ""}, outputs


@pytest.mark.parametrize("path", [*CATALOGUES, *PAGES], ids=lambda path: path.stem)
def test_a_chinese_lesson_or_page_is_whole_and_in_step_with_the_english_one(path):
    assert list(faults(path)) == []


def test_every_chinese_lesson_and_page_has_a_catalogue_and_an_english_edition():
    for folder, kind, catalogues in ((ENGLISH, "*.ipynb", CATALOGUES), (ROOT / "docs", "*.md", PAGES)):
        chinese = {path.stem for path in (folder / "zh").glob(kind)}
        assert chinese == {path.stem for path in catalogues}
        assert chinese <= {path.stem for path in folder.glob(kind)}


def readme(language):
    return (ROOT / f"README{language}.md").read_text()


def without_comments(code):
    return [line.split("  #")[0].rstrip() for line in code.splitlines()]


def lessons_in(text):
    """Return number, file and running time of each row."""
    return re.findall(
        r"^\| (\d\d) \| \[[^]]*\]\(notebooks/(?:zh/)?(\w+)\.ipynb\) \|.*\| ([\d.]+ [分秒ms])", text, re.MULTILINE
    )


def links_in(text):
    return {link.replace("/zh/", "/") for link in re.findall(r"\]\(([^)]+)\)", text)}


def test_both_readmes_have_the_same_commands_lessons_links_and_names():
    english, chinese = readme(""), readme(".zh")
    for kind in ("bash", "python"):
        codes = [re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for text in (english, chinese)]
        assert codes[0]
        assert [without_comments(code) for code in codes[1]] == [without_comments(code) for code in codes[0]]
    rows = lessons_in(english)
    assert [stem for _, stem, _ in rows] == sorted(path.stem for path in ENGLISH.glob("*.ipynb"))
    assert [(*row, time.replace("分", "m").replace("秒", "s")) for *row, time in lessons_in(chinese)] == rows
    assert links_in(chinese) - {"README.md"} == links_in(english) - {"README.zh.md"}
    names = [
        set(re.findall(r"`([^`\n]+)`", re.sub("```.*?```", "", text, flags=re.DOTALL))) for text in (english, chinese)
    ]
    assert names[0] <= names[1]


def test_the_chinese_readme_leads_to_chinese_lessons_and_pages_where_there_are():
    linked = set(re.findall(r"\]\((\w+/zh/\w+)\.(?:ipynb|md)\)", readme(".zh")))
    assert linked == {str(path.relative_to(ROOT).with_suffix("")) for path in (*CATALOGUES, *PAGES)}


def test_the_chinese_readme_uses_the_terms_of_the_glossary():
    for english, chinese in zip(readme("").split("\n| "), readme(".zh").split("\n| ")):
        if re.match(r"\d\d \|", english):
            assert terms_missing(english, chinese, "") == []


def test_the_glossary_has_each_term_once():
    terms = [term for term, _, _ in glossary()]
    assert sorted(terms) == sorted(set(terms))


TEXT = """## The question

**A deliberate mistake.** Batch norm expects the channels on axis 1. In 2,000 photos they come last:

```python
nn.BatchNorm()  # stays as it is
```

| | Gluon |
| --- | --- |
| share of the old average | `momentum=0.9` |

$$y = \\gamma x$$

The [errata](../docs/errata.md) list it: $\\mu = 3$.

**Next**: [lesson 04](04_dropout.ipynb), dropout."""
CHINESE = {
    "## The question": "## 问题",
    "**A deliberate mistake.** Batch norm expects the channels on axis 1. In 2,000 photos they come last:": (
        "**故意犯一个错误。** 批量归一化要求通道位于第 1 轴，而这 2000 张照片的通道都在最后一轴："
    ),
    "Gluon": "Gluon",
    "share of the old average": "旧平均值所占的比例",
    "The [errata](../docs/errata.md) list it: $\\mu = 3$.": "[勘误表](../docs/errata.md)有此一条，$\\mu = 3$。",
    "**Next**: [lesson 04](04_dropout.ipynb), dropout.": "**下一课**：[第 04 课](04_dropout.ipynb)，暂退法。",
    "Two feature maps side by side.": "并排的两幅特征图。",
}


def write(path, text=TEXT, figure="ENGLISH"):
    new = nbformat.v4
    data = new.new_output("display_data", {"image/png": figure, "text/plain": "<Figure>"})
    alt = {"alt": "Two feature maps side by side."}
    code = new.new_code_cell("draw()", id="b", execution_count=1, outputs=[data], metadata=alt)
    nbformat.write(new.new_notebook(cells=[new.new_markdown_cell(text, id="a"), code]), path)


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Return a small English lesson with a whole Chinese edition, whose figure was drawn."""
    (tmp_path / "notebooks" / "zh").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "errata.md").touch()
    path = tmp_path / "notebooks" / "03_lesson.ipynb"
    write(path)
    write(tmp_path / "notebooks" / "04_dropout.ipynb")
    run(path, "--start")
    fill(path, CHINESE)
    monkeypatch.setattr(translation, "draw", drawn)
    run(path, "--figures")
    return path


def drawn(lesson, folder):
    result = translation.deepcopy(lesson)
    translation.figures(result)[0]["image/png"] = "CHINESE"
    result.metadata["figures"] = translation.digest(lesson)
    return result


def run(path, *options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["build.py", str(path), *options])
        translation.main()


def catalogue_of(path):
    return path.parent / "zh" / f"{path.stem}.po"


def fill(path, words):
    catalogue = polib.pofile(str(catalogue_of(path)), wrapwidth=0)
    for entry in catalogue:
        entry.msgstr = words.get(entry.msgid, entry.msgstr)
    catalogue.save()


def test_only_text_and_figures_of_a_chinese_lesson_differ(lesson):
    assert list(faults(catalogue_of(lesson))) == []
    text, code = read(lesson.parent / "zh" / lesson.name).cells
    assert "## 问题\n\n**故意犯一个错误。**" in text.source
    assert "```python\nnn.BatchNorm()  # stays as it is\n```\n\n| | Gluon |\n| --- | --- |" in text.source
    assert "$$y = \\gamma x$$" in text.source
    assert "](../../docs/errata.md)" in text.source
    assert "](../04_dropout.ipynb)" in text.source  # not translated yet
    assert code.metadata.alt == "并排的两幅特征图。"
    assert code.outputs[0].data["image/png"] == "CHINESE"


def test_lessons_link_to_chinese_ones_where_there_are(lesson):
    run(lesson.parent / "04_dropout.ipynb", "--start")
    (fault,) = faults(catalogue_of(lesson))
    assert "03_lesson.ipynb is not what its catalogue gives" in fault
    run(lesson)
    assert list(faults(catalogue_of(lesson))) == []
    assert "](04_dropout.ipynb)" in read(lesson.parent / "zh" / lesson.name).cells[0].source


def test_a_changed_english_paragraph_is_found_and_marked(lesson):
    write(lesson, TEXT.replace("on axis 1", "on axis 1, after the batch's"))
    assert "the catalogue is not that of today's English text" in "".join(faults(catalogue_of(lesson)))
    run(lesson)
    (fault,) = faults(catalogue_of(lesson))
    assert "fuzzy: **A deliberate mistake.**" in fault
    (entry,) = polib.pofile(str(catalogue_of(lesson))).fuzzy_entries()
    assert "after the batch's" in entry.msgid
    assert "on axis 1. In" in entry.previous_msgid
    assert "批量归一化" in entry.msgstr
    assert (
        "after the batch's" in read(lesson.parent / "zh" / lesson.name).cells[0].source
    )  # English until it is checked
    previous = entry.previous_msgid
    write(lesson, TEXT.replace("on axis 1", "on axis 1, behind the batch's"))
    run(lesson)
    (entry,) = polib.pofile(str(catalogue_of(lesson))).fuzzy_entries()
    assert entry.previous_msgid == previous  # that of the translation


PAGE = """# Results

A paragraph of a page may go on
in the next line. See [lesson 03](../notebooks/03_lesson.ipynb#the-question).

- A list item, too,
  goes on.
- Another one.

| network | accuracy |
| --- | --- |
| LeNet | 0.9 |

```bash
train lenet
```
"""
PAGE_IN_CHINESE = """# 结果

页面的一段可以分成几行。见[第 03 课](../../notebooks/zh/03_lesson.ipynb#the-question)。

- 列表项也可以接到下一行。
- 另一项。

| 网络 | 准确率 |
| --- | --- |
| LeNet | 0.9 |

```bash
train lenet
```
"""
WORDS_OF_THE_PAGE = {
    "# Results": "# 结果",
    "A paragraph of a page may go on in the next line. See [lesson 03](../notebooks/03_lesson.ipynb#the-question).": (
        "页面的一段可以分成几行。见[第 03 课](../notebooks/03_lesson.ipynb#the-question)。"
    ),
    "- A list item, too, goes on.": "- 列表项也可以接到下一行。",
    "- Another one.": "- 另一项。",
    "network": "网络",
    "accuracy": "准确率",
    "LeNet": "LeNet",
}


def test_a_page_is_translated_like_a_lesson(lesson):
    path = lesson.parent.parent / "docs" / "results.md"
    path.write_text(PAGE)
    run(path)
    assert not catalogue_of(path).exists()
    run(path, "--start")
    fill(path, WORDS_OF_THE_PAGE)
    run(path)
    assert list(faults(catalogue_of(path))) == []
    assert (path.parent / "zh" / path.name).read_text() == PAGE_IN_CHINESE
    path.write_text(PAGE.replace("go on\nin", "go\non in"))
    assert list(faults(catalogue_of(path))) == []
    path.write_text(PAGE.replace("A paragraph", "Each paragraph"))
    assert "fuzzy: Each paragraph" in "".join(faults(catalogue_of(path)))
    for old, new in (("train lenet", "train vgg"), ("0.9", "0.8")):  # nothing to translate: it has only to be built
        path.write_text(PAGE.replace(old, new))
        (fault,) = faults(catalogue_of(path))
        assert "results.md is not what its catalogue gives" in fault


def test_a_catalogue_is_the_same_after_an_editor_wrapped_its_lines(lesson):
    path = catalogue_of(lesson)
    catalogue = polib.pofile(str(path))
    catalogue.wrapwidth = 40
    catalogue.metadata["X-Generator"] = "an editor"
    catalogue.metadata["Plural-Forms"] = "nplurals=1; plural=0;"
    catalogue.save(str(path))
    run(lesson)
    text = path.read_text()
    assert "X-Generator: an editor" in text
    assert list(faults(path)) == []
    run(lesson)
    assert path.read_text() == text


def test_a_paragraph_that_went_is_obsolete_and_comes_back(lesson):
    write(lesson, TEXT.replace("## The question\n\n", ""))
    run(lesson)
    assert [entry.msgstr for entry in polib.pofile(str(catalogue_of(lesson))).obsolete_entries()] == ["## 问题"]
    assert list(faults(catalogue_of(lesson))) == []
    write(lesson)
    run(lesson)
    assert polib.pofile(str(catalogue_of(lesson))).obsolete_entries() == []
    assert list(faults(catalogue_of(lesson))) == []


def test_figures_are_not_those_of_other_english_ones(lesson):
    write(lesson, figure="ANOTHER")
    run(lesson)
    (fault,) = faults(catalogue_of(lesson))
    assert "figures are English" in fault
    assert read(lesson.parent / "zh" / lesson.name).cells[1].outputs[0].data["image/png"] == "ANOTHER"


def test_changes_by_hand_are_found(lesson):
    target = lesson.parent / "zh" / lesson.name
    for old, new, found in (
        ("draw()", "draw(1)", "code or outputs differ"),
        ("故意", "", "not what its catalogue gives"),
        ("errata.md", "no.md", "links to ../../docs/no.md"),
    ):
        kept = target.read_text()
        target.write_text(kept.replace(old, new))
        assert found in "".join(faults(catalogue_of(lesson)))
        target.write_text(kept)


@pytest.mark.parametrize(
    ("english", "chinese", "found"),
    [
        ("A question", "", "untranslated"),
        ("Write `X.mean`", "写出 `X.means`", "code, formulas, links"),
        ("## The question", "问题", "code, formulas, links"),
        ("See [lesson 04](04_dropout.ipynb)", "见第 04 课", "code, formulas, links"),
        ("**All** of them", "全部", "code, formulas, links"),
        ("A question", "一个\n问题", "one line"),
        ("**Data.** All", "**数据。**全部", "needs a space"),
        ("The **data**", "全部**“数据”**", "needs a space"),
        ("a word", "一个|词", "code, formulas, links"),
        ("All 4,000 images", "所有 400 幅图像", "numbers are missing: {'4000'}"),
        ("The feature maps shrink", "特征映射变小", "not as in glossary.csv: ['feature map']"),
        ("After fine-tuning", "精调之后", "not as in glossary.csv: ['fine-tun*']"),
    ],
)
def test_faults_of_a_paragraph(english, chinese, found):
    assert found in "".join(paragraph_faults(polib.POEntry(msgid=english, msgstr=chinese)))


@pytest.mark.parametrize(
    ("english", "right", "wrong"),
    [
        ("1.2 million photos", "120 万张照片", "12 万张照片"),
        ("1.2 million photos", "1200000 张照片", "1.2 张照片"),
        ("all 60M parameters", "6000 万个参数", "60 万个参数"),
        ("7 billion FLOPs", "70 亿次运算", "7 亿次运算"),
        ("7×10⁹ FLOPs", "70 亿次运算", "70 万次运算"),
        ("48,000 photos", "4.8 万张照片", "48 万张照片"),
        ("in the 1990s", "20 世纪 90 年代", "90 年代"),
        ("4.8 million photos, 4 GB", "480 万张照片，4 GB", "480 万张照片"),
        ("0.90 of them", "其中的 0.90", "其中的 0.9"),
    ],
)
def test_numbers_are_the_same_by_value(english, right, wrong):
    assert list(paragraph_faults(polib.POEntry(msgid=english, msgstr=right))) == []
    assert "numbers are missing" in "".join(paragraph_faults(polib.POEntry(msgid=english, msgstr=wrong)))


def test_titles_of_papers_stay_english():
    entry = polib.POEntry(
        msgid="- Ba and others, *Layer normalization*, 2016.", msgstr="- Ba 等，*Layer normalization*，2016 年。"
    )
    assert list(paragraph_faults(entry)) == []


def test_a_comment_permits_another_word():
    entry = polib.POEntry(msgid="Restart the kernel (*Restart Kernel*)", msgstr="重启内核（*Restart Kernel*）")
    assert list(paragraph_faults(entry)) == []
    entry.msgstr = "重启（*Restart Kernel*）"
    assert list(paragraph_faults(entry)) == ["not as in glossary.csv: ['kernel']"]
    entry.tcomment = "glossary: kernel (Jupyter's)"
    assert list(paragraph_faults(entry)) == []
