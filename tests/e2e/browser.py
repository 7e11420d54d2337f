"""A real browser without a screen: Chromium, which trusts the certificate of one store."""

import base64
import hashlib
import os
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.e2e.running import Running

T = TypeVar("T")
_SECONDS = 30
_ATTEMPTS = 12
# Chromium drops its connections whenever any network of the machine changes, as when a container starts.
_NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
_PRESS = """
    for (const button of document.querySelectorAll("button"))
        if (arguments[0].includes(button.textContent.trim())) button.click();
"""


class Browser:
    """What a person does with a browser, and sees in it."""

    def __init__(self, driver: Chrome, folder: Path) -> None:
        self._driver = driver
        self._folder = folder
        self._console: list[dict[str, Any]] = []

    def log_in(self, url: str, user: str, password: str) -> None:
        """Gives the browser a login for a store, which is used from then on as if it had been typed in."""
        self.open(
            f"{url}/viewer/LICENSE".replace("://", f"://{user}:{password}@"), lambda: self.status == 200
        )

    def open(self, url: str, ready: Callable[[], T]) -> T:
        """Opens a page, and returns what `ready` returns as soon as that is something."""
        return self.do(lambda: self._driver.get(url), ready)

    def do(self, act: Callable[[], object], ready: Callable[[], T]) -> T:
        """Does something, and returns what `ready` returns as soon as that is something.

        Does it again where the machine's network changed meanwhile.
        """
        for _ in range(_ATTEMPTS):
            self._driver.get_log("browser")
            self._console = []
            try:
                act()
                found = self._wait(ready)
            except WebDriverException as error:
                if _NETWORK_CHANGED not in str(error):
                    raise
            else:
                if not self._network_changed():
                    assert found, f"It did not come in {_SECONDS} seconds: {self._folder}, {self.errors()}"
                    return found
        raise AssertionError(f"The machine's network changed each of {_ATTEMPTS} times.")

    def run(self, script: str, *arguments: object) -> Any:
        """What JavaScript of the page returns, or fulfils."""
        return self._driver.execute_script(script, *arguments)

    @property
    def text(self) -> str:
        """What one can read on the page."""
        return self._driver.find_element(By.TAG_NAME, "body").text

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        return int(self.run("return performance.getEntriesByType('navigation')[0].responseStatus"))

    def press(self, *labels: str) -> None:
        """Presses the buttons with these labels that are there."""
        self.run(_PRESS, labels)

    def picture(self, selector: str) -> bytes:
        """A PNG of the first such element with what lies over it, or nothing where there is none."""
        found = self._driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0].screenshot_as_png if found else b""

    def save(self, name: str) -> None:
        """Keeps a picture of the whole window among the files of the test run."""
        self._driver.save_screenshot(str(self._folder / f"{name}.png"))

    def errors(self) -> list[str]:
        """What has gone wrong on the page since it was opened, by the browser's console."""
        self._console += self._driver.get_log("browser")
        return [entry["message"] for entry in self._console if entry["level"] == "SEVERE"]

    def _network_changed(self) -> bool:
        return any(_NETWORK_CHANGED in message for message in self.errors())

    def _wait(self, ready: Callable[[], T]) -> T | None:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and not self._network_changed():
            try:
                if found := ready():
                    return found
            except WebDriverException:
                # The page is changing under our hands.
                pass
            time.sleep(0.2)
        self.save("late")
        return None


@contextmanager
def browser(store: Running, folder: Path) -> Iterator[Browser]:
    """A new browser that nobody has logged in with; its profile and pictures are in `folder`."""
    options = ChromeOptions()
    options.binary_location = _program("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in _FLAGS:
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.add_argument(f"--user-data-dir={folder / 'profile'}")
    options.add_argument(f"--ignore-certificate-errors-spki-list={_key_hash(store)}")
    driver = Chrome(options, Service(_program("chromedriver")))
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"There is no {name}: `scripts/setup browser` installs it."
    return found


def _key_hash(store: Running) -> str:
    """The SHA-256 of the public key of the store's certificate, in Base64, once the certificate is verified."""
    address = urlsplit(store.url)
    pem = ssl.get_server_certificate((address.hostname, address.port), ca_certs=str(store.authority))
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()
