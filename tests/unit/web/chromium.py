"""Debian's Chromium for tests of the page, or the reason why there is none."""

import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FEATURES_OFF = (
    # Two pages of Chromium's own, for the list below its address bar: in each window they took
    # more CPU time than the page that is tested.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    # What Playwright switches off; only the last such option holds.
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)


def needs_chromium():
    """Skip the file that calls this if no browser can be driven."""
    pytest.importorskip("playwright", reason="no playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium", allow_module_level=True)


@contextmanager
def browser():
    """Run a Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root can have no sandbox, and a container has little shared memory.
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        options.append(f"--disable-features={','.join(FEATURES_OFF)}")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield running
        finally:
            running.close()
