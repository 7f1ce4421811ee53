"""The pages in a real browser: Debian's chromium, led by playwright.

One server and one browser for all of them; without either they are passed over, and say why.
"""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="no FastAPI: pip install 'audiorec-music[serve]'")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install 'audiorec-music[dev]'"
)
sync_api.expect.set_options(timeout=30_000)  # as long as everything else may take on a busy machine

from audiorec.data.catalog import Catalog  # noqa: E402
from audiorec.data.plays import load_plays  # noqa: E402
from audiorec.track_map import Layout, Region, save_map  # noqa: E402

from ...waiting import wait_until  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
HOSTILE = '"><img src=x onerror=window.hacked=1><script>window.hacked=1</script>'
AXE = Path(__file__).parents[2] / "data" / "axe" / "axe.min.js.gz"
N_POINTS = 100_000
MOST_SCRIPT_MS = 8.0
PAGES = {
    "home": "/", "search": "/?q=song", "track": "/track?id=t03", "why": "/why?a=t03&b=t05",
    "playlist": "/playlist?seed=t03&not=t04", "listener": "/listener", "map": "/map",
    "library": "/library", "evaluation": "/evaluation",
}  # fmt: skip


def put_big_map(workspace) -> None:
    """The forty tracks, and others that nobody catalogued, on a map of many points."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-50, 50, (40, 2))
    members = np.arange(N_POINTS, dtype=np.int32) % 40
    positions = centres[members] + rng.normal(0, 4, (N_POINTS, 2))
    ids = [f"t{row:02d}" if row < 40 else f"x{row}" for row in range(N_POINTS)]
    save_map(
        workspace.map,
        Layout(tuple(ids), positions.astype(np.float32), np.ones(N_POINTS, dtype=bool)),
        regions=[Region(f"Region {n} {HOSTILE if n == 3 else ''}", *map(float, centre), 2500)
                 for n, centre in enumerate(centres)],
        members=members, config={}, inputs={}, space="x",
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory, make_serve_workspace):
    """A server of forty tracks, its address, and its workspace."""
    workspace = make_serve_workspace(tmp_path_factory.mktemp("site"))
    with Catalog(workspace.catalog) as catalog:
        track = catalog.get("t07")
        catalog.upsert(replace(track, title=HOSTILE, artist=HOSTILE, genre=HOSTILE))
    put_big_map(workspace)
    command = [sys.executable, "-m", "audiorec", "-w", str(workspace.root), "serve", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    address = ""
    for line in server.stderr:
        if "serving on " in line:
            address = line.split("serving on ")[1].strip()
            break
    assert address, "the server did not start"
    subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
    yield address, workspace
    server.terminate()
    assert server.wait(30) in (0, -signal.SIGTERM)  # which uvicorn raises again, once all is done


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page that remembers what it asked for and what went wrong."""

    def __init__(self, browser, base: str, **options) -> None:
        self.base = base
        self.context = browser.new_context(base_url=base, accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message) -> None:
        if message.type == "error" and "status of 404" not in message.text:  # no cover, no mel
            self.wrong.append(message.text)

    def check(self) -> None:
        assert not self.wrong
        elsewhere = [url for url in self.asked if not url.startswith((self.base, "data:", "blob:"))]
        assert not elsewhere
        assert self.page.evaluate("window.hacked") is None


@pytest.fixture
def watch(browser, site):
    made: list[Watched] = []

    def make(**options) -> Watched:
        made.append(Watched(browser, site[0], **options))
        return made[-1]

    yield make
    for watched in made:
        watched.check()
        watched.context.close()


def told(site, path: str):
    with urllib.request.urlopen(f"{site[0]}{path}") as answer:
        return json.load(answer)


def moves(page) -> float:
    """How far the track that plays has come, once it moves."""
    wait_until(lambda: page.evaluate("document.querySelector('#audio').currentTime > 0.2"))
    return page.evaluate("document.querySelector('#audio').currentTime")


def test_search_play_like_and_both_are_stored_as_plays(watch, site):
    page = watch().page
    page.goto("/")
    page.locator("#q").press_sequentially("song 12")
    page.wait_for_selector('#results .track[data-id="t12"]')
    # Not the only one: folders of tests are numbered, and words of paths are found too.
    sync_api.expect(page.locator("#results .track").first).to_have_attribute("data-id", "t12")
    page.locator('[data-id="t12"] [data-do="play"]').click()
    assert moves(page) > 0.2
    page.locator("#like").click()
    page.wait_for_selector('#results [data-do="like"][aria-pressed="true"]')
    assert told(site, "/api/v1/listening?id=t12")["liked"]

    def stored():
        plays = load_plays(site[1].plays).filter(user_id="me", track_id="t12")
        known = "rating" in plays.columns  # not before the first like or play is stored
        return known and (plays["rating"] > 0).any() and (plays["plays"] > 0).any()

    wait_until(stored)


def test_the_player_goes_on_while_pages_change(watch):
    page = watch().page
    page.goto("/?q=song")
    page.locator('.track [data-do="play"]').first.click()
    moves(page)
    page.evaluate("document.querySelector('#audio').dataset.same = 'yes'")
    page.get_by_role("link", name="Library").click()
    page.wait_for_selector('main[data-page="library"]')
    assert page.url.endswith("/library") and "Library" in page.title()
    assert page.evaluate("document.querySelector('#audio').dataset.same") == "yes"
    assert not page.evaluate("document.querySelector('#audio').paused")
    page.go_back()
    page.wait_for_selector('main[data-page="home"]')
    assert page.locator("#q").input_value() == "song"
    page.reload()
    assert page.locator("#now .title").inner_text().startswith("Song")
    assert page.locator("#queued li").count() > 10


def test_a_playlist_is_built_changed_and_downloaded(watch):
    page = watch().page
    page.goto("/playlist")
    page.locator("#add-seed").fill("Artist 3 - Song 03")
    page.locator("#length").fill("8")
    page.get_by_role("button", name="Make playlist").click()
    page.wait_for_selector("#made-tracks .track:nth-child(8)")
    rows = page.locator("#made-tracks .track")
    before = [row.get_attribute("data-id") for row in rows.all()]
    assert "seed=t03" in page.url or "Song+03" in page.url
    rows.nth(2).locator('[data-do="swap"]').click()
    sync_api.expect(page.locator(f'#made-tracks [data-id="{before[2]}"]')).to_have_count(0)
    rows.nth(7).locator('[data-do="drop"]').click()
    after = [row.get_attribute("data-id") for row in rows.all()]
    assert len(after) == 7 and len(set(after)) == 7
    assert after[:2] == before[:2] and after[3:] == before[3:7]
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    text = Path(download.value.path()).read_text()
    assert text.startswith("#EXTM3U") and text.count(".wav") == 7
    rows.nth(1).drag_to(page.locator('[data-drop="not"]'))
    page.wait_for_selector(f'[data-list="not"] input[value="{after[1]}"]')
    sync_api.expect(page.locator(f'#made-tracks [data-id="{after[1]}"]')).to_have_count(0)
    assert page.locator('[data-list="seed"] input[value="t03"]').count() == 1
    page.get_by_role("button", name="Save as recipe").click()
    sync_api.expect(page.locator("#said")).to_contain_text("is saved")


def test_by_the_keyboard_alone(watch, site):
    page = watch().page
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("/")
    page.keyboard.type("song 21")
    page.wait_for_selector('#results .track[data-id="t21"]')
    page.keyboard.type("k n l")  # in a field they are letters
    assert page.locator("#q").input_value() == "song 21k n l"
    page.locator("#q").fill("song")
    page.wait_for_selector("#results .track:nth-child(20)")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("data-do") == "play"
    page.keyboard.press("ArrowDown")
    row = page.locator(".track:focus-within").get_attribute("data-id")
    page.keyboard.press("Enter")
    moves(page)
    page.keyboard.press("d")
    wait_until(lambda: told(site, f"/api/v1/listening?id={row}")["disliked"])
    page.keyboard.press("d")
    wait_until(lambda: not told(site, f"/api/v1/listening?id={row}")["disliked"])
    page.keyboard.press("k")
    wait_until(lambda: page.evaluate("document.querySelector('#audio').paused"))
    title = page.locator("#now .title").inner_text()
    page.keyboard.press("n")
    page.wait_for_function(
        "t => document.querySelector('#now .title').textContent !== t", arg=title
    )
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    now = page.locator("#now .title").inner_text()
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert page.locator("#now .title").inner_text() == now


@pytest.mark.parametrize("webgl", [True, False])
def test_the_map_draws_100_000_points_within_8_ms_of_script_a_frame(watch, webgl):
    page = watch().page
    if not webgl:
        page.add_init_script(
            "const get = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
            " return kind === 'webgl' ? null : get.call(this, kind, ...more); };"
        )
    page.goto("/map")
    page.wait_for_selector("#map[data-ready]")
    times = page.evaluate(
        """async () => {
          const canvas = document.querySelector('#points');
          canvas.focus();
          canvas.frameTimes = [];
          for (let i = 0; i < 60; i++) {
            const key = i < 20 ? '+' : i % 2 ? 'ArrowLeft' : 'ArrowUp';
            const pressed = i < 8 || i > 20 ? key : '-';
            canvas.dispatchEvent(new KeyboardEvent('keydown', { key: pressed }));
            await new Promise(requestAnimationFrame);
          }
          return canvas.frameTimes;
        }"""
    )
    assert len(times) > 50
    assert float(np.median(times)) < MOST_SCRIPT_MS, np.percentile(times, [50, 90, 100])


def test_on_the_map_a_click_plays_and_a_lasso_makes_a_playlist(watch):
    page = watch().page
    page.goto("/map?id=t11")
    page.wait_for_selector("#map[data-ready]")
    sync_api.expect(page.locator("#under")).to_contain_text("Song 11")
    page.locator("#points").focus()
    page.keyboard.press("Enter")  # what is in the middle, as the page was asked for
    assert moves(page) > 0.2
    assert page.locator("#now .title").inner_text() == "Song 11"
    for colour in ("genre", "artist", "year", "score"):
        page.locator("#colour").select_option(colour)
        wait_until(lambda: page.locator("#legend li").count() > 1)
    page.get_by_role("button", name="Lasso").click()
    box = page.locator("#points").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    for dx, dy in ((60, -60), (60, 60), (-60, 60)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    sync_api.expect(page.locator("#picked-title")).to_contain_text("tracks")
    seeds = page.locator("#picked-playlist").get_attribute("href")
    assert "kind=reorder" in seeds and seeds.count("seed=") > 2


def test_360_pixels_wide_nothing_is_cut_off(watch):
    page = watch(viewport={"width": 360, "height": 740}, color_scheme="dark").page
    for path in PAGES.values():
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} pixels wide"
    page.goto("/?q=song")
    page.locator('.track [data-do="play"]').first.click()
    moves(page)
    for name in ("#toggle", "#next", "#like", "#seek"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
        assert box["y"] + box["height"] <= 740


def test_nothing_serious_keeps_people_out(watch):
    page = watch(reduced_motion="reduce").page
    page.goto("/")
    page.evaluate(gzip.decompress(AXE.read_bytes()).decode())
    for name, path in PAGES.items():
        page.evaluate(
            """path => {
              const link = Object.assign(document.createElement('a'), { href: path });
              document.querySelector('main').append(link);
              link.click();
            }""",
            path,
        )
        page.wait_for_selector(f'main[data-page="{name.replace("search", "home")}"]:not(.busy)')
        if name == "track":
            page.locator('[data-do="play"]').first.click()
            page.locator("#show-queue").click()
        for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
            serious = [
                (each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert not serious, f"{path}, {scheme}: {serious}"


def test_without_script_search_and_playlist_work(watch):
    page = watch(java_script_enabled=False)
    page.check = lambda: None  # nothing can be asked of a page without script
    page.page.goto("/")
    page.page.locator("#q").fill("song 09")
    page.page.get_by_role("button", name="Search").click()
    assert page.page.locator(".track").count() == 1
    page.page.goto("/playlist?seed=t03&length=5")
    assert page.page.locator("#made-tracks .track").count() == 5
