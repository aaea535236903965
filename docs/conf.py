"""The site, made by make site. Its sources are where GitHub shows them: README.md, docs/ and notebooks/."""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import gluon_cnn
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish
from sphinx.writers.html5 import HTML5Translator

sys.path.insert(0, str(Path(__file__).parent))
from dark_figures import add_dark_figures, is_plot

project = "gluon_cnn"
version = release = gluon_cnn.__version__
html_title = "gluon_cnn"
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["site.css", "theme.js"]
html_favicon = "favicon.svg"
html_extra_path = ["favicon.ico"]  # browsers ask for it at a site's root, whatever a page says
html_css_files = ["site.css"]
html_js_files = ["theme.js"]
html_copy_source = False
html_search_language = "both"
html_show_copyright = html_show_sphinx = False

root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/*.rst", "notebooks/*.ipynb"]
include_patterns += ["README.zh.md", "notebooks/zh/*.ipynb"]
exclude_patterns = ["**/.ipynb_checkpoints"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinx.ext.viewcode"]
nb_execution_mode = "off"  # the stored outputs are shown
nb_render_markdown_format = "myst"
nb_code_prompt_show, nb_code_prompt_hide = "Worked solution", "Hide the solution"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]  # sliders: what stands beside them is shown
copybutton_selector = "div.highlight pre"
copybutton_exclude = ".linenos, .gp, .go"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 50  # longer ones get a line for each parameter
napoleon_use_param = False  # parameters that share a description stand together
napoleon_use_rtype = False
python_use_unqualified_type_names = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

CONTENTS = """
```{toctree}
:hidden:
:caption: Lessons
:glob:

notebooks/*
```

```{toctree}
:hidden:
:caption: 课程
:glob:

简介 <README.zh>
CHINESE_LESSONS
```

```{toctree}
:hidden:
:caption: How to

docs/your_images
docs/teaching
docs/environment
docs/compat
docs/distributed
docs/frameworks
```

```{toctree}
:hidden:
:caption: Reference

docs/commands
docs/api
docs/modules
docs/glossary
docs/errata
docs/differences
```

```{toctree}
:hidden:
:caption: Measurements

docs/results
docs/lesson_results
docs/effects
docs/few_images
docs/performance
docs/loading
docs/reliability
```

```{toctree}
:hidden:
:caption: Project

CONTRIBUTING
CHANGELOG
```
"""

if list(Path(__file__).parent.parent.glob("notebooks/zh/*.ipynb")):
    CONTENTS = CONTENTS.replace("CHINESE_LESSONS", "notebooks/zh/*")  # a pattern without a page would be a warning
else:
    CONTENTS = CONTENTS.replace("CHINESE_LESSONS", "")

INDEX = (
    '<!doctype html><html lang="en"><title>gluon_cnn</title><meta http-equiv="refresh" content="0; url=README.html">'
)


def prepare(app: Sphinx, name: str, source: list) -> None:
    """Give a page what the site needs besides: contents, alternative texts of figures, folded solutions."""
    if name == root_doc:
        source[0] += CONTENTS
    if name.startswith("notebooks/"):
        notebook = json.loads(source[0])
        # the headings that fold solutions in JupyterLab; here, the cells fold
        notebook["cells"] = [c for c in notebook["cells"] if "jp-MarkdownHeadingCollapsed" not in c["metadata"]]
        for cell in notebook["cells"]:
            if "alt" in cell["metadata"]:
                kind = "figure-plot" if is_plot("".join(cell["source"])) else "figure"
                cell["metadata"]["mystnb"] = {"image": {"alt": cell["metadata"]["alt"], "classes": kind}}
            if "solution" in cell["metadata"].get("tags", []):
                cell["metadata"]["tags"].append("hide-cell")
        source[0] = json.dumps(notebook)


def finish_page(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Add dark figures, let keys scroll long lines and wide tables, and give captions the level screen readers want."""
    body = add_dark_figures(app, context.get("body", ""))
    body = re.sub(r"\d[\d.,]* \(\d[\d.,%]*-\d[\d.,%]*\)", r'<span class="range">\g<0></span>', body)
    # of a module whose names stand on two pages, these links have one page's for both
    body = re.sub(r'<a class="viewcode-back".*?</a>', "", body)
    body = body.replace("<dl>", '<dl role="none">')  # the parameters of a signature, which are no list of definitions
    context["body"] = re.sub(r'<pre(?=>)|<div(?= class="table-wrapper)', r'\g<0> tabindex="0"', body)
    captions = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = captions.replace('role="heading"', 'role="heading" aria-level="2"')


def set_language(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Name the language of a page, list the lessons in that language only, and link a lesson to its other edition."""
    chinese = page == "README.zh" or page.startswith("notebooks/zh/")
    captions = context["furo_navigation_tree"]
    others = rf'<p class="caption"[^>]*><span class="caption-text">{"Lessons" if chinese else "课程"}</span>'
    context["furo_navigation_tree"] = re.sub(rf'{others}.*?(?=<p class="caption")', "", captions, flags=re.DOTALL)
    if chinese:
        context["language"] = "zh-CN"
        for english, words in (("Worked solution", "参考答案"), ("Hide the solution", "收起答案")):
            context["body"] = context["body"].replace(english, words)
    folder, _, name = page.rpartition("/")
    other = f"notebooks/{name}" if chinese else f"notebooks/zh/{name}"
    if folder.startswith("notebooks") and other in app.env.found_docs:
        code, word = ("en", "English") if chinese else ("zh-CN", "中文")
        link = f'<p><a href="{context["pathto"](other)}" hreflang="{code}" lang="{code}">{word}</a></p>'
        context["body"] = link + context["body"]


class SearchBoth(SearchEnglish):
    """English words, and pairs of Chinese characters, which have no spaces between words."""

    lang = "both"
    js_splitter_code = """
function splitQuery(query) {
  const parts = query.match(/[\\u4e00-\\u9fff]+|(?:(?![\\u4e00-\\u9fff])[\\p{Letter}\\p{Number}_])+/gu) || [];
  return parts.flatMap((part) =>
    /[\\u4e00-\\u9fff]/.test(part) && part.length > 2 ? [...part].slice(1).map((c, k) => part[k] + c) : [part]);
}
"""

    def split(self, input: str) -> list[str]:
        """Split a text as the above does with a query."""
        words = []
        for part in re.findall(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+", input):
            pairs = "\u4e00" <= part[0] <= "\u9fff" and len(part) > 2
            words += [a + b for a, b in pairwise(part)] if pairs else [part]
        return words


def link_short_names(app: Sphinx, env: BuildEnvironment, node: nodes.Element, text: nodes.Element) -> object:
    """Link names that a docstring of another module gives without their module."""
    python = env.domains["py"]
    found = [name for name in python.objects if name.endswith(f".{node['reftarget']}")]
    if node["refdomain"] == "py" and len(found) == 1:
        return python.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, text)
    return None


def write_formula(writer: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers know without a script."""
    block = isinstance(node, nodes.math_block)
    writer.body.append(convert(node.astext(), display="block" if block else "inline"))
    raise nodes.SkipNode


def start_with_the_readme(app: Sphinx, error: Exception | None) -> None:
    """Let the site's address lead to the README."""
    if not error:
        (app.outdir / "index.html").write_text(INDEX)


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("source-read", prepare)
    app.connect("missing-reference", link_short_names)
    app.connect("html-page-context", finish_page, priority=900)  # after the theme
    app.connect("html-page-context", set_language, priority=901)
    app.add_search_language(SearchBoth)
    app.connect("build-finished", start_with_the_readme)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
