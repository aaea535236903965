"""Chromium, driven as a user would."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
SCREENSHOTS = ROOT / "docs" / "images"
# without its services in the background, and without a sandbox, which root has not
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]

expect.set_options(timeout=60_000)  # a slow machine is no failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Keep what a failed test saw in build/failed."""
    report = yield
    browser = item.funcargs.get("chromium")
    if report.failed and browser:
        (ROOT / "build" / "failed").mkdir(parents=True, exist_ok=True)
        for context in browser.contexts:
            for page in context.pages:
                page.screenshot(path=ROOT / "build" / "failed" / f"{item.name[:40]}.png")
    return report


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium: apt-get install chromium, or name one in CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
