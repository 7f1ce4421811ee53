"""The pages as the server makes them, without a browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="no FastAPI: pip install 'audiorec-music[serve]'")
from starlette.testclient import TestClient

from audiorec.audio import MelConfig
from audiorec.data import Exclusion, excluded_tracks, save_exclusions
from audiorec.data.catalog import Catalog, Track, save_descriptors
from audiorec.mel import compute_mels
from audiorec.playlist import KINDS
from audiorec.serve import add_user, create_app, users_file
from audiorec.track_map import Layout, Region, save_map

from ...waiting import wait_until

HOSTILE = '"><script>window.hacked=1</script><img src=x onerror=window.hacked=1>'
PAGES = ("/", "/?q=song", "/track?id=t03", "/why?a=t03&b=t05", "/playlist", "/listener",
         "/playlist?seed=t03&not=t04", "/map", "/library", "/evaluation", "/login")  # fmt: skip


class Elements(HTMLParser):
    """Elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def put_map(workspace, ids, positions, *, regions=("North", "South")):
    """A map of these tracks, cut into regions by turns."""
    members = np.arange(len(ids), dtype=np.int32) % len(regions)
    save_map(
        workspace.map,
        Layout(tuple(ids), positions.astype(np.float32), np.ones(len(ids), dtype=bool)),
        regions=[Region(name, 0.3 * n, 0.2 * n, int((members == n).sum()))
                 for n, name in enumerate(regions)],
        members=members, config={}, inputs={}, space="x",
    )  # fmt: skip


@pytest.fixture
def mapped(workspace):
    positions = np.random.default_rng(0).standard_normal((40, 2))
    put_map(workspace, [f"t{row:02d}" for row in range(40)], positions)
    return workspace


def hostile_track(workspace) -> None:
    with Catalog(workspace.catalog) as catalog:
        track = catalog.get("t03")
        catalog.upsert(replace(track, title=HOSTILE, artist=HOSTILE, genre=HOSTILE))


@pytest.mark.parametrize("path", PAGES)
def test_hostile_names_are_text_and_no_script_or_style_stands_in_a_page(mapped, client, path):
    hostile_track(mapped)
    positions = np.random.default_rng(0).standard_normal((40, 2))
    put_map(mapped, [f"t{row:02d}" for row in range(40)], positions, regions=(HOSTILE, "x"))
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    page = answer.text
    assert "<script>" not in page and "<img src=x" not in page
    elements = Elements()
    elements.feed(page)
    for tag, attributes in elements.found:
        assert tag != "style"
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            assert re.match(r"/(?!/)|#|$", attributes.get(name, "")), attributes
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy


def test_home_finds_and_lists_what_is_new_with_its_neighbours(client):
    page = client.get("/?q=song 07").text
    assert "1 found" in page and 'data-id="t07"' in page
    assert "near Artist" in client.get("/").text
    assert "No track has all of these words" in client.get("/?q=nonesuch").text


def test_a_track_shows_neighbours_with_reasons_and_ways_to_start(client):
    page = client.get("/track?id=t03").text
    assert page.count('class="track"') == 12
    assert "nearer than" in page and "% of pairs" in page
    assert 'href="/playlist?kind=radio&amp;seed=t03"' in page
    assert 'name="kind" value="path"' in page
    lost = client.get("/track?id=nobody")
    assert lost.status_code == 404 and "unknown track" in lost.text


def test_pages_say_descriptors_with_their_units(workspace, client):
    measured = np.array([120.04, 4, -23.481, 588.23, -0.734, 0.9])
    other = np.array([90.0, np.nan, -23.0, 590.0, np.nan, 0.9])
    save_descriptors(workspace.descriptors, {"t03": ("hash3", measured), "t05": ("hash5", other)})
    shown = "tempo 120 BPM · key E · loudness -23.5 LUFS · brightness 588 Hz · energy -0.7 dB"
    assert shown in client.get("/track?id=t03").text
    page = client.get("/why?a=t03&b=t05").text
    assert "<dt>Different tempo</dt><dd>120 BPM and 90.0 BPM</dd>" in page
    assert "<dt>Similar brightness</dt><dd>588 Hz and 590 Hz</dd>" in page


def test_rows_for_a_script_to_put_into_a_list(client):
    page = client.get("/rows?id=t03&id=nobody&id=t05&reason=because").text
    assert re.findall(r'data-id="(.+?)"', page) == ["t03", "t05"]
    assert page.count("because") == 2 and "<html" not in page


def test_without_an_index_pages_show_the_library_and_what_to_run(workspace):
    shutil.rmtree(workspace.index)
    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        home = client.get("/").text
        assert home.count("not in the index yet: start a run") == 10 and "audiorec run" in home
        track = client.get("/track?id=t03").text
        assert "Song 03" in track and "audiorec run" in track and track.count('class="track"') == 0
        library = client.get("/library").text
        assert "One recording, several files: 0" in library


def test_a_track_whose_length_is_not_known_has_none(workspace, client):
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("long", "/m/long.mp3", title="Long", duration=3727.4))
        catalog.upsert(Track("none", "/m/none.mp3", title="None", duration=0.0))
    assert '<p class="facts">1:02:07</p>' in client.get("/track?id=long").text
    assert '<p class="facts"></p>' in client.get("/track?id=none").text


def test_a_playlist_stands_in_its_address(client):
    page = client.get("/playlist?seed=t03&seed=Artist 5 - Song 05&not=t04&length=6").text
    assert "6 tracks, 0:12" in page
    assert re.findall(r'name="seed" value="(.+?)"', page) == ["t03", "t05"]
    assert re.findall(r'name="not" value="(.+?)"', page) == ["t04"]
    request = json.loads(re.search(r'data-request="(.*?)"', page)[1].replace("&#34;", '"'))
    assert request["seeds"] == ["t03", "t05"] and request["length"] == 6
    token = re.search(r'name="csrf" content="(.+?)"', page)[1]
    made = client.post("/api/v1/playlist", json=request, headers={"X-CSRF-Token": token}).json()
    ids = re.findall(r'class="track" data-id="(.+?)"', page)
    assert [entry["track_id"] for entry in made["results"]] == ids
    wide = client.get("/playlist?seed=t03&length=nan&diversity=inf").text
    assert "25 tracks" in wide
    unknown = client.get("/playlist?seed=t03&kind=zzz").text
    assert "kind: Input should be" in unknown and "No tracks yet" in unknown
    offered = re.findall(
        r'<option value="(.+?)"', unknown.split('id="kind"')[1].split("</select")[0]
    )
    assert sorted(offered) == sorted(KINDS)
    assert "no track is called" in client.get("/playlist?seed=nonesuch").text
    assert "never" in client.get("/playlist?seed=t03&year=never").text


def test_a_name_of_several_tracks_is_asked_for_again(workspace, client):
    with Catalog(workspace.catalog) as catalog:
        for name in ("Ann", "Bob"):
            catalog.upsert(Track(name, f"/m/{name}.mp3", artist=name, title="Same"))
    page = client.get("/playlist?seed=Same&seed=t03").text
    assert "Ann - Same" in page and "Bob - Same" in page
    assert re.findall(r'name="seed" value="(.+?)"', page) == ["t03"]


def test_a_listener_has_recommendations_taste_and_cold_tracks(client):
    page = client.get("/listener?user=ann").text
    for title in ("Recommended", "Played by no one yet"):
        assert title in page
    assert "Taste:" in page and ">rock<" in page and ">jazz<" not in page
    cold = page.split('aria-label="Played by no one yet"')[1]
    assert cold.count("new to everyone") == cold.count('class="track"') > 3
    gems = page.split(">Hidden gems</h2>")[1].split("</section>")[0]
    assert "None: tracks are placed by sound alone" in gems
    nobody = client.get("/listener?user=nobody").text
    assert "unknown listener" in nobody and "Hidden gems" not in nobody
    assert "<option selected>nobody</option>" in nobody and ">ann</option>" in nobody


def test_the_library_shows_failures_exclusions_words_and_duplicates(workspace, client):
    with Catalog(workspace.catalog) as catalog:
        catalog.record_failure("/m/<b>bad</b>.mp3", stage="scan", reason="cannot be decoded")
    save_exclusions(workspace.exclusions, [Exclusion("artist", "Artist 1")])
    page = client.get("/library").text
    assert "/m/&lt;b&gt;bad&lt;/b&gt;.mp3" in page and "cannot be decoded" in page
    assert "<strong>Artist 1</strong>: 4 tracks" in page
    assert "jazz 20" in page


def test_what_exclusions_hide_is_counted_once_for_a_catalogue(workspace, client, monkeypatch):
    counted = []

    def counting(catalog, rules):
        counted.append(rules)
        return excluded_tracks(catalog, rules)

    monkeypatch.setattr("audiorec.serve.workspace_counts.excluded_tracks", counting)
    save_exclusions(workspace.exclusions, [Exclusion("artist", "Artist 2")])
    for _ in range(3):
        assert "<strong>Artist 2</strong>: 4 tracks" in client.get("/library").text
    assert len(counted) == 1
    save_exclusions(workspace.exclusions, [Exclusion("artist", "Artist 3")])
    assert "<strong>Artist 3</strong>: 4 tracks" in client.get("/library").text
    assert len(counted) == 2


def test_the_evaluation_shows_tables_and_gives_the_report(workspace, client):
    assert "Nothing has been evaluated yet" in client.get("/evaluation").text
    nothing = client.get("/evaluation/report", follow_redirects=False)
    assert (nothing.status_code, nothing.headers["location"]) == (303, "/evaluation")
    workspace.reports.mkdir(exist_ok=True)
    body = {"split": "cold", "n_users": 7, "n_tracks": 9,
            "systems": {"<b>": {"recall@10": 0.25}, "y": {"recall@10": 0.5}}}  # fmt: skip
    (workspace.reports / "evaluation.json").write_text(json.dumps(body))
    (workspace.reports / "broken.json").write_text("{")
    (workspace.reports / "study.txt").write_text("recall <by> tempo")
    (workspace.reports / "folder.txt").mkdir()
    (workspace.reports / "evaluation.html").write_text("<p>report")
    page = client.get("/evaluation").text
    assert "&lt;b&gt;" in page and "0.250" in page and "7 listeners, 9 tracks" in page
    assert "recall &lt;by&gt; tempo" in page and "folder" not in page
    report = client.get("/evaluation/report")
    assert report.text == "<p>report" and "attachment" in report.headers["content-disposition"]


def test_points_ids_and_colours_of_the_map_go_together(mapped, client):
    save_exclusions(mapped.exclusions, [Exclusion("artist", "Artist 1")])
    ids = client.get("/map/ids").json()
    assert len(ids) == 36 and "t01" not in ids
    points = np.frombuffer(client.get("/map/points").content, "<f4").reshape(-1, 2)
    assert points.shape == (36, 2) and np.abs(points).max() <= 1
    tables = {by: client.get(f"/map/colours?by={by}&user=ann").json()
              for by in ("region", "genre", "artist", "year", "score")}  # fmt: skip
    values = {by: np.frombuffer(base64.b64decode(t["values"]), np.uint8)
              for by, t in tables.items()}  # fmt: skip
    for number, id_ in enumerate(ids):
        row = int(id_[1:])
        assert tables["genre"]["names"][values["genre"][number]] == ("jazz" if row % 2 else "rock")
        assert tables["artist"]["names"][values["artist"][number]] == f"Artist {row % 10}"
        assert tables["region"]["names"][values["region"][number]] == ("North", "South")[row % 2]
    years = np.array([1990 + int(id_[1:]) for id_ in ids])
    assert (np.diff(values["year"][np.argsort(years)].astype(int)) >= 0).all()
    hits = client.post("/api/v1/recommend", json={"user": "ann", "k": 5}).json()["results"]
    best = [values["score"][ids.index(hit["track_id"])] for hit in hits]
    assert best == sorted(best, reverse=True) and min(best) > 150
    assert client.get("/map/colours?by=zzz").status_code == 422
    with Catalog(mapped.catalog) as catalog:
        catalog.upsert([replace(track, year=None) for track in catalog.tracks()])
    wait_until(lambda: not client.get("/map/colours?by=year").json()["low"])
    years = client.get("/map/colours?by=year").json()
    assert years["high"] == "" and set(base64.b64decode(years["values"])) == {255}


def test_without_a_map_the_page_says_how_to_make_one(client):
    assert "or &#39;audiorec map&#39; alone" in client.get("/map").text
    assert client.get("/map/points").status_code == 409


def test_files_of_the_pages_are_served_with_their_types_and_nothing_else_is(client):
    for name, kind in (("app.js", "javascript"), ("style.css", "css"), ("icon.svg", "svg")):
        answer = client.get(f"/static/{name}")
        assert kind in answer.headers["content-type"]
        assert answer.headers["cache-control"] == "no-cache"
    for path in ("/static/../render.py", "/static/%2e%2e/render.py", "/static/"):
        assert client.get(path).status_code == 404


def test_on_a_server_with_users_a_listener_sees_none_but_themselves(mapped):
    add_user(users_file(mapped), "ann", "correct horse")
    with TestClient(
        create_app(mapped), base_url="http://127.0.0.1:8337", follow_redirects=False
    ) as client:
        assert client.get("/listener").headers["location"].startswith("/login")
        page = client.get("/login?error=wrong").text
        assert "Wrong name or password" in page
        csrf = re.search(r'name="csrf" value="(.+?)"', page)[1]
        form = {"name": "ann", "password": "correct horse", "csrf": csrf, "next": "/listener"}
        assert client.post("/login", data=form).headers["location"] == "/listener"
        assert "Log out ann" in client.get("/listener").text
        other = client.get("/listener?user=me")
        assert other.status_code == 403 and "is not you" in other.text
        assert client.get("/map/colours?by=score&user=me").status_code == 403


def test_the_spectrogram_says_where_in_the_track_it_lies(workspace):
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert([replace(track, duration=90.0) for track in catalog.tracks()])
        compute_mels(workspace.mels, catalog, config=MelConfig(clip_seconds=1.0), n_jobs=1)
    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        page = client.get("/track?id=t03").text
        # Of the 2 s that were heard, not of the length that the catalogue has from elsewhere.
        assert 'data-starts="0.5" data-seconds="1.0"' in page
        assert client.get("/api/v1/spectrogram?id=t03").status_code == 200
        with Catalog(workspace.catalog) as catalog:
            catalog.upsert(Track("new", "/m/new.mp3", title="New"))
        assert "data-starts" not in client.get("/track?id=new").text
