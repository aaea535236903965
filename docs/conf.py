"""The site, made by make site. Its sources are where GitHub shows them: README.md, docs/ and notebooks/."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import gluon_cnn
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.writers.html5 import HTML5Translator

sys.path.insert(0, str(Path(__file__).parent))
from dark_figures import add_dark_figures, is_plot
from languages import SEARCH_WORDS, SearchBoth, add_search_page, set_language

project = "gluon_cnn"
version = release = gluon_cnn.__version__
html_title = "gluon_cnn"
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["site.css", "theme.js", str(SEARCH_WORDS)]
html_favicon = "favicon.svg"
html_extra_path = ["favicon.ico"]  # browsers ask for it at a site's root, whatever a page says
html_css_files = ["site.css"]
html_js_files = ["theme.js"]
html_copy_source = False
html_search_language = "both"
html_show_copyright = html_show_sphinx = False

root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/*.rst", "notebooks/*.ipynb"]
include_patterns += ["README.zh.md", "docs/zh/*.md", "notebooks/zh/*.ipynb"]
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

```{toctree}
:hidden:
:caption: 课程
:glob:

简介 <README.zh>
notebooks/zh/*
```

```{toctree}
:hidden:
:caption: 勘误与测量结果

docs/zh/errata
docs/zh/results
docs/zh/lesson_results
```

```{toctree}
:hidden:
:caption: 英文文档

使用自己的图像 <docs/your_images>
教学大纲 <docs/teaching>
配置环境 <docs/environment>
运行其他 MXNet 代码 <docs/compat>
在多个设备和多台机器上训练 <docs/distributed>
从 PyTorch 或 Paddle 转来 <docs/frameworks>
命令行 <docs/commands>
软件包 <docs/api>
模块 <docs/modules>
术语表 <docs/glossary>
与笔记的不同之处 <docs/differences>
各种技巧的效果 <docs/effects>
图像很少时的效果 <docs/few_images>
与 PyTorch 的速度比较 <docs/performance>
载入图像的速度 <docs/loading>
可靠性 <docs/reliability>
参与开发 <CONTRIBUTING>
历次改动 <CHANGELOG>
```
"""

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
    app.connect("html-collect-pages", add_search_page)
    app.add_search_language(SearchBoth)
    app.connect("build-finished", start_with_the_readme)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
