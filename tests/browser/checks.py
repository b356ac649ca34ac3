"""What every page must bear: strict CSP, no errors, no sideways scroll, axe without findings."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response

AXE = Path(__file__).resolve().parent.parent.parent / "node_modules/axe-core/axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = {"desktop": 1440, "phone": 390, "small phone": 320}
NOTE_CSP = """addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP " + event.effectiveDirective + " " + event.blockedURI + " " + event.sample));"""


class Watched:
    """A page that notes what goes wrong on it; everything else is Playwright's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.add_init_script(NOTE_CSP)
        page.on("console", lambda line: self._note(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("response", self._check)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def _note(self, text: str) -> None:
        # Chromium repeats a failed answer on its console; `_check` has said it with its address.
        if not text.startswith("Failed to load resource"):
            self.errors.append(text)

    def _check(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.errors.append(f"{response.status} {response.url}")

    def open(self, path: str) -> Response:
        response = self.page.goto(path)
        assert response is not None
        self.page.wait_for_function("document.fonts.status === 'loaded'")
        return response

    def choose_theme(self, theme: str) -> None:
        """Do what <theme-switch> does, without a reload."""
        self.page.evaluate(
            "(theme) => { document.documentElement.dataset.theme = theme; dispatchEvent(new Event('theme-chosen')); }",
            theme,
        )
        self.settle()

    def settle(self) -> None:
        """Wait until colours have stopped changing: two frames, and whatever moves by then."""
        self.page.evaluate(
            """async () => { for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
            const ending = document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime < 2000);
            await Promise.allSettled(ending.map((animation) => animation.finished)); }"""
        )


def axe(page: Watched) -> list[str]:
    """Return axe's findings; it goes in through the debugger because the CSP blocks script tags."""
    page.settle()
    session = page.context.new_cdp_session(page.page)
    # What lies under the bar that stays at the top counts as covered; from the top nothing does.
    session.send("Runtime.evaluate", {"expression": "window.scrollTo({top: 0, behavior: 'instant'})"})
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    run = f"axe.run(document, {{runOnly: {json.dumps(AXE_TAGS)}}}).then((r) => JSON.stringify(r.violations))"
    answer = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True})
    session.detach()
    assert "value" in answer["result"], answer
    findings = json.loads(answer["result"]["value"])
    return [f"{rule['id']}: {node['html'][:160]} {_colours(node)}" for rule in findings for node in rule["nodes"]]


def _colours(node: dict[str, Any]) -> str:
    found = re.search(r"contrast of [\d.]+ \([^)]*\)", node.get("failureSummary", ""))
    return found.group() if found else ""


def sideways(page: Watched) -> list[str]:
    """Return what sticks out at the phone widths: nothing, when the page does not scroll sideways."""
    found = []
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(
            """async () => { for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
            return document.documentElement.scrollWidth > innerWidth ? [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 90))
            .slice(0, 4).concat(["(page)"]) : []; }"""
        )
        found += [f"{name}: {element}" for element in wide]
    page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
    return found


def check_page(page: Watched, path: str, *, status: int = 200) -> None:
    """Open a page and prove all of it: light and dark, and light on a phone."""
    response = page.open(path)
    assert response.status == status
    assert "style-src 'self'" in response.headers["content-security-policy"]
    assert sideways(page) == []
    for theme, width in (("dark", 1440), ("light", 1440), ("light", 390)):
        page.choose_theme(theme)
        page.set_viewport_size({"width": width, "height": 900})
        found = axe(page)
        assert found == [], f"{theme} at {width} px: {found}"
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.errors == []
