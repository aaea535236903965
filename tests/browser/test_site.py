"""The site: every link, formula, picture and page as people see it, in light and dark, wide and narrow."""

import functools
import re
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urljoin, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import ROOT, SCREENSHOTS

SITE = ROOT / "build" / "site"
FILES = [path.relative_to(SITE) for path in SITE.rglob("*.html")]
PAGES = sorted(str(path) for path in FILES if path.parts[0] != "_modules" and path.name != "index.html")
LESSONS = [page for page in PAGES if page.startswith("notebooks/")]


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address():
    handler = functools.partial(Silent, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(chromium, address):
    """Return a function that opens a page; complaints of the browser and requests to elsewhere are errors."""
    contexts, complaints = [], []

    def open_page(page_name, width=1280, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: said.type in ("error", "warning") and complaints.append(f"{said.text} {said.location}"),
        )
        page.on("request", lambda sent: sent.url.startswith((address, "data:")) or complaints.append(sent.url))
        page.on("response", lambda got: got.status < 400 or complaints.append(f"{got.status}: {got.url}"))
        page.goto(address + page_name)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places.add(found.get("id"))
        self.links += [found[name] for name in ("href", "src") if found.get(name)]


def test_there_is_a_page_of_everything():
    lessons = [path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    assert len(LESSONS) == len(lessons)
    documents = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")]
    assert {str(path.with_suffix(".html")) for path in documents} < set(PAGES)


def test_the_address_leads_to_the_readme(visit):
    page = visit("")
    page.wait_for_url("**/README.html")


def test_no_link_is_broken():
    parsed = {str(path.relative_to(SITE)): Links(path.read_text()) for path in SITE.rglob("*.html")}
    broken, checked = [], 0
    for page, content in parsed.items():
        for link in content.links:
            if urlparse(link).scheme:
                continue
            target = urlparse(urljoin(page, link))
            path = unquote(target.path) or page
            checked += 1
            places = parsed[path].places if path in parsed else {target.fragment}
            if not (SITE / path).exists() or (target.fragment and unquote(target.fragment) not in places):
                broken.append((page, link))
    assert checked > 1000
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(visit, name):
    for scheme in ("light", "dark"):
        page = visit(name, scheme=scheme)
        found = Axe().run(page).response["violations"]
        serious = [
            (problem["id"], problem["help"], [node["html"][:150] for node in problem["nodes"][:3]])
            for problem in found
            if problem["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{scheme}: {serious}"


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_needs_no_scrolling_sideways(visit, name):
    page = visit(name, width=375)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_can_be_read(visit, name):
    page = visit(name)
    pictures = page.locator("article .cell_output img")
    assert pictures.count()
    for picture in pictures.all():
        assert len(picture.get_attribute("alt")) > (15 if "/zh/" in page.url else 30)  # Chinese needs fewer characters
        assert picture.evaluate("image => image.naturalWidth") > 100
    assert page.locator("button.copybtn").count() > 3
    nearby = page.locator(".related-pages a")
    assert nearby.count() == 2
    solutions = page.locator("details.hide")
    assert solutions.count()
    assert not any(solution.get_attribute("open") for solution in solutions.all())


def test_formulas_are_drawn(visit):
    page = visit("notebooks/03_batch_normalization.html")
    formula = page.locator("math[display=block]").first
    assert formula.locator("mfrac").count() == 1
    assert formula.bounding_box()["height"] > 30
    formula.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "site_03.png")


@pytest.mark.parametrize(
    ("folder", "curves", "maps"),
    [(".", "Two plots over the epochs", "LeNet's first"), ("zh", "两幅图，横轴为轮次", "LeNet 第一层")],
)
def test_the_readmes_picture_is_a_lesson(visit, folder, curves, maps):
    page = visit(f"notebooks/{folder}/05_lenet.html", width=1100)
    curves, maps = (page.get_by_alt_text(words).bounding_box() for words in (curves, maps))
    left, top, bottom = curves["x"] - 20, curves["y"] - 70, maps["y"] + maps["height"] + 10
    clip = {"x": left, "y": top, "width": curves["width"] + 40, "height": bottom - top}
    page.screenshot(path=SCREENSHOTS / folder / "lesson_05.png", full_page=True, clip=clip)


def search_for_a_word(page):
    page.locator("input[name=q]").last.fill("shortcut")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert any("ResNet" in text for text in page.locator("#search-results li a").all_inner_texts())


def test_search_finds_a_word(visit):
    search_for_a_word(visit("search.html"))


def results_of(page):
    """Return where the links lead that a search page lists."""
    page.wait_for_selector("#search-results li a")
    return page.locator("#search-results li > a").evaluate_all("links => links.map(link => link.href)")


def test_search_finds_chinese_words(visit):
    page = visit("docs/zh/errata.html")
    page.get_by_placeholder("搜索").fill("批量归一化")
    page.keyboard.press("Enter")
    assert "/notebooks/zh/03_batch_normalization" in results_of(page)[0]
    page.get_by_role("heading", name="搜索结果").wait_for()


def test_search_lists_pages_in_its_language_first(visit):
    assert "/zh/" in results_of(visit("search.zh.html?q=ResNet"))[0]
    assert "/zh/" not in results_of(visit("search.html?q=ResNet"))[0]


@pytest.mark.parametrize("name", ["notebooks/zh/00_start_here.html", "docs/zh/errata.html"])
def test_an_edition_leads_to_the_other_one(visit, name):
    page = visit(name)
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("link", name="English", exact=True).click()
    page.wait_for_url(f"**/{name.replace('/zh/', '/')}")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="中文", exact=True).click()
    page.wait_for_url(f"**/{name}")


def test_what_stands_around_a_page_is_in_its_language(visit):
    around = ".caption-text, .related-pages, .toc-title, .skip-to-content, .sidebar-tree a"
    for name, others in (("05_lenet", "[一-龥]"), ("zh/05_lenet", "Next|Previous|On this page|Skip|Lessons|How to")):
        page = visit(f"notebooks/{name}.html")
        words = page.locator(around).all_text_contents()
        assert len(words) > 40
        assert [word for word in words if re.search(others, word)] == []
        related = page.locator(".related-pages a").evaluate_all("links => links.map(link => link.href)")
        assert [("/zh/" in link) for link in related] == [name.startswith("zh/")] * 2
    page.locator(".sidebar-brand").click()
    page.wait_for_url("**/README.zh.html")


def test_search_needs_no_server(chromium):
    page = chromium.new_page()
    page.goto((SITE / "search.html").as_uri())
    search_for_a_word(page)
    page.close()
