"""Envelopes and parameters: the three formats, GET and forms, logins and errors."""

from __future__ import annotations

import hashlib
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.serve.subsonic.envelope import ResponseFormat, SubsonicError, to_xml
from audiorec.serve.subsonic.parameters import Parameters
from audiorec.serve.subsonic.service import METHODS, Method

NAME, PASSWORD = "ann", "sesame-öffne"
SPACE = "{http://subsonic.org/restapi}"
TEXTS = st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False)
CONTENT = st.recursive(
    TEXTS,
    lambda inner: (
        st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner)
        | st.lists(st.dictionaries(st.just("id"), TEXTS), max_size=3)
    ),
    max_leaves=8,
)


def login(**more):
    return {"u": NAME, "p": PASSWORD, "v": "1.16.1", "c": "tests", **more}


@settings(max_examples=40)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), CONTENT))
def test_whatever_a_text_holds_is_xml_and_json(content):
    root = ElementTree.fromstring(to_xml({"status": "ok", **content}))
    assert root.tag == f"{SPACE}subsonic-response"
    body = ResponseFormat("json").success(content).body
    assert json.loads(body)["subsonic-response"].keys() >= content.keys()
    assert body.isascii()


def test_xml_says_what_json_says():
    text = to_xml({"genre": [{"value": 'R&B "x"', "songCount": 1}], "ids": ["a", "b"], "no": None})
    root = ElementTree.fromstring(text)
    assert root.find(f"{SPACE}genre").text == 'R&B "x"'
    assert root.find(f"{SPACE}genre").attrib == {"songCount": "1"}
    assert [each.text for each in root.findall(f"{SPACE}ids")] == ["a", "b"]
    assert 'open="true"' in to_xml({"open": True}) and "no=" not in text


def test_default_is_xml(client):
    response = client.get("/rest/ping", params=login())
    assert response.headers["content-type"].startswith("text/xml")
    root = ElementTree.fromstring(response.content)
    assert root.attrib.items() >= {
        "status": "ok", "version": "1.16.1", "type": "audiorec", "openSubsonic": "true",
    }.items()  # fmt: skip


def test_json_and_jsonp(client):
    response = client.get("/rest/ping.view", params=login(f="json"))
    assert response.headers["content-type"] == "application/json"
    envelope = response.json()["subsonic-response"]
    assert envelope["openSubsonic"] is True and envelope["serverVersion"]
    response = client.get("/rest/ping", params=login(f="jsonp", callback="app.on_answer"))
    assert response.headers["content-type"].startswith("application/javascript")
    assert response.text.startswith("/**/app.on_answer({") and response.text.endswith(");")
    for callback in ("alert(1)//", "a b", "", "<x>", "ä"):
        response = client.get("/rest/ping", params=login(f="jsonp", callback=callback))
        assert (
            'status="failed"' in response.text and callback not in response.text
        ) or not callback
    assert 'status="failed"' in client.get("/rest/ping", params=login(f="yaml")).text


@pytest.mark.parametrize("method", ["ping", "ping.view"])
def test_form_posts_are_read_as_queries_are(client, method):
    response = client.post(f"/rest/{method}", data=login(f="json"))
    assert response.json()["subsonic-response"]["status"] == "ok"
    # DSub: XML by POST, an old version, the password in hexadecimal.
    password = f"enc:{PASSWORD.encode().hex()}"
    response = client.post(f"/rest/{method}", data=login(v="1.2.0", p=password))
    assert 'status="ok"' in response.text
    response = client.post(f"/rest/{method}", params=login(), data={"f": "json"})
    assert response.json()["subsonic-response"]["status"] == "ok"


def test_nothing_under_rest_is_ever_html(client):
    for path in ("/rest", "/rest/", "/rest/unknown", "/rest/a/b", "/rest/%3Cb%3E", "/rest/.view"):
        response = client.get(path, params=login(f="json"))
        assert response.status_code == 200
        assert response.json()["subsonic-response"]["status"] == "failed"
        assert client.get(path).headers["content-type"].startswith("text/xml")
    response = client.get("/rest/ping")  # play:Sub asks so first
    assert 'status="failed"' in response.text and 'code="10"' in response.text
    response = client.post("/rest/ping", data={"f": "json", "x": "y" * 3_000_000})
    assert "html" not in response.headers["content-type"]


def code(client, **parameters):
    response = client.get("/rest/ping", params={"f": "json"} | parameters)
    return response.json()["subsonic-response"].get("error", {}).get("code")


def test_a_login_is_a_password_a_token_or_a_key(client, served):
    token = hashlib.md5(f"{PASSWORD}abc".encode()).hexdigest()
    assert code(client, u=NAME, p=PASSWORD) is None
    assert code(client, u=NAME, t=token, s="abc") is None
    assert code(client, u=NAME, t=token.upper(), s="abc") is None
    assert code(client, apiKey=served.key) is None
    assert code(client, u=NAME) == 10
    assert code(client, p=PASSWORD) == 10
    assert code(client, u=NAME, t=token) == 10
    assert code(client, u=NAME, p="enc:zz") == 42
    assert code(client, u=NAME, p=PASSWORD, t=token, s="abc") == 43
    assert code(client, u=NAME, apiKey=served.key) == 43
    assert code(client, u=NAME, p=PASSWORD, v="2.0.0") == 30
    assert code(client, u=NAME, p=PASSWORD, v="0.9") == 20
    assert code(client, u=NAME, p=PASSWORD, v="nonsense") is None


def test_whose_key_it_is(ask, error, client):
    assert ask("tokenInfo")["tokenInfo"] == {"username": NAME}
    response = client.get("/rest/tokenInfo", params=login(f="json"))
    assert response.json()["subsonic-response"]["status"] == "failed"


def test_parameters():
    found = Parameters([("id", "a"), ("id", "b"), ("n", "5"), ("t", "1700000000000.0"), ("e", "")])
    assert found.get("id") == "a" and found.all("id") == ["a", "b"] and found.get("x") is None
    assert found.integer("n", 1, most=3) == 3 and found.integer("x", 7) == 7
    assert found.integer("t") == 1_700_000_000_000
    assert found.flag("x", default=True) and found.integer("e", 9) == 9
    for name, value in (("n", "five"), ("n", "1e999."), ("n", "9" * 40)):
        with pytest.raises(SubsonicError) as raised:
            Parameters([(name, value)]).integer("n", 1)
        assert raised.value.code == 0
    for missing in (lambda: found.text("e"), lambda: found.integer("x")):
        with pytest.raises(SubsonicError) as raised:
            missing()
        assert raised.value.code == 10
    with pytest.raises(SubsonicError):
        Parameters([("f", "maybe")]).flag("f", default=True)


def test_an_error_of_the_library_says_what_to_run(small):
    code, message = small.message("getSonicSimilarTracks", id="one-1")
    assert code == 0 and "run 'audiorec" in message


def test_a_bug_is_an_envelope_too(small, monkeypatch, caplog):
    def fails(call):
        raise RuntimeError("a bug")

    monkeypatch.setitem(METHODS, "ping", Method(fails))
    assert small.message("ping") == (0, "internal server error; see its log")
    assert "/rest/ping failed" in caplog.text and "a bug" in caplog.text


def test_a_form_beyond_bounds_is_an_envelope(small):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for form, wanted in (("&a" * 200_001, "200000 fields"), ("a" * 2_100_000, "bytes; send less")):
        parts = iter([form.encode()])  # without a length
        answer = small.client.post("/rest/ping", content=parts, headers=kind)
        assert 'status="failed"' in answer.text and wanted in answer.text
