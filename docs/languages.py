"""The site's two languages: the words around a page are in its language, and each edition leads to the other."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import sphinx.locale
from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils import nodes
    from sphinx.application import Sphinx

HOME, SEARCH = "README.zh", "search.zh"
SEARCH_WORDS = Path(sphinx.locale.__file__).parent / "zh_CN" / "LC_MESSAGES" / "sphinx.js"  # what the search page says
AROUND = {
    "Search": "搜索",
    "Next": "下一页",
    "Previous": "上一页",
    "Home": "首页",
    "On this page": "本页内容",
    "Back to top": "回到顶部",
    "Skip to content": "跳到正文",
    "Made with ": "网页主题：",
    "Error": "错误",
    "Please activate JavaScript to enable the search functionality.": "搜索需要 JavaScript，请在浏览器中启用。",
}
WITHIN = {"Worked solution": "参考答案", "Hide the solution": "收起答案", "Link to this heading": "本节的链接"}
SECTION = re.compile(r'<p class="caption"[^>]*><span class="caption-text">(.).*?(?=<p class="caption"|\Z)', re.DOTALL)


def is_chinese(page: str) -> bool:
    """Return whether the page of this name is Chinese."""
    return "zh/" in page or ".zh" in page


def other_edition(page: str) -> str:
    """Return the name that a page has in the other language, if it is there."""
    if is_chinese(page):
        return page.replace("zh/", "").replace(".zh", "")
    folder, slash, name = page.rpartition("/")
    return f"{folder}/zh/{name}" if slash else f"{name}.zh"


def set_language(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Let the words around a page and the lists beside it be in its language, and link its other edition."""
    chinese, path_to = is_chinese(page), context["pathto"]
    words = AROUND if chinese else {}
    app.builder.templates.environment.install_gettext_callables(
        lambda word: words.get(word, word), lambda one, many, count: one if count == 1 else many
    )
    context["furo_navigation_tree"] = SECTION.sub(
        lambda section: section[0] if (section[1] > "\u4e00") == chinese else "", context["furo_navigation_tree"]
    )
    for neighbour, name in zip(("prev", "next"), app.builder.relations.get(page, ())[1:]):
        if name and is_chinese(name) != chinese:
            context[neighbour] = None
    if chinese:
        context.update(language="zh-CN", master_doc=HOME)
        context["pathto"] = lambda name, *options: path_to(SEARCH if name == "search" else name, *options)
        for english, translated in WITHIN.items():
            context["body"] = context.get("body", "").replace(english, translated)
    if page == SEARCH:
        app.add_js_file(SEARCH_WORDS.name)
    if "/" in page and other_edition(page) in app.env.found_docs:  # README and README.zh have such links themselves
        code, word = ("en", "English") if chinese else ("zh-CN", "中文")
        link = f'<p><a href="{path_to(other_edition(page))}" hreflang="{code}" lang="{code}">{word}</a></p>'
        context["body"] = link + context["body"]


def add_search_page(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Make a second page for the search, in Chinese."""
    yield SEARCH, {}, "search.html"


class SearchBoth(SearchEnglish):
    """English words, and pairs of Chinese characters, which have no spaces between words."""

    lang = "both"
    js_splitter_code = """
function splitQuery(query) {
  const parts = query.match(/[\\u4e00-\\u9fff]+|(?:(?![\\u4e00-\\u9fff])[\\p{Letter}\\p{Number}_])+/gu) || [];
  return parts.flatMap((part) =>
    /[\\u4e00-\\u9fff]/.test(part) && part.length > 2 ? [...part].slice(1).map((c, k) => part[k] + c) : [part]);
}

// pages in the language of the search page come first
Scorer.score = ([page, , , , score]) =>
  score + (/(zh\\/|\\.zh)/.test(page) === (document.documentElement.lang === "zh-CN") ? 1000 : 0);
"""

    def split(self, input: str) -> list[str]:
        """Split a text as the above does with a query."""
        words = []
        for part in re.findall(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+", input):
            pairs = "\u4e00" <= part[0] <= "\u9fff" and len(part) > 2
            words += [a + b for a, b in pairwise(part)] if pairs else [part]
        return words
