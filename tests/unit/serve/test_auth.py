"""Who may come in: hosts, users, sessions, keys, forged changes, guesses, sizes."""

from __future__ import annotations

import io
import stat
import sys

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from audiorec.cli import cli
from audiorec.exceptions import NotFoundError, ParameterError, WorkspaceError
from audiorec.serve import (
    ServeSettings,
    add_key,
    add_user,
    create_app,
    is_loopback,
    load_users,
    remove_user,
    revoke_keys,
    save_users,
    users_file,
)
from audiorec.serve.access_middleware import is_known_host
from audiorec.serve.auth import Auth, LoginThrottle

API = "/api/v1"
BASE = "http://127.0.0.1:8337"
PASSWORD = "long enough"


@pytest.fixture
def guarded(workspace):
    """A client of a server that has the user ann, not logged in."""
    add_user(users_file(workspace), "ann", PASSWORD)
    with TestClient(create_app(workspace), base_url=BASE, follow_redirects=False) as client:
        yield client


def log_in(client, password: str = PASSWORD, **headers: str):
    """Log in as the program that a player on this machine is."""
    form = {"name": "ann", "password": password, "next": "/"}
    return client.post("/login", data=form, headers=headers)


def test_strangers_are_sent_away(guarded):
    assert guarded.get(f"{API}/find").status_code == 401
    assert guarded.post(f"{API}/listening", json={"kind": "like", "id": "t01"}).status_code == 401
    assert guarded.get(f"{API}/audio", params={"id": "t01"}).status_code == 401
    page = guarded.get("/anything")
    assert page.status_code == 303 and page.headers["location"] == "/login?next=/anything"
    assert guarded.get("/healthz").status_code == 200


def test_a_login_is_opened_and_closed(guarded):
    assert log_in(guarded, "wrong password").status_code == 401
    in_browser = log_in(guarded, "wrong password", Accept="text/html,*/*")
    assert (in_browser.status_code, in_browser.headers["location"]) == (303, "/login?error=wrong")
    answer = log_in(guarded)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and PASSWORD not in cookie
    session = guarded.get(f"{API}/session").json()
    assert session["user"] == "ann"
    like = {"kind": "like", "id": "t01"}
    assert guarded.post(f"{API}/listening", json=like).status_code == 403  # without the token
    token = {"X-CSRF-Token": session["csrf"]}
    assert guarded.post(f"{API}/listening", json=like, headers=token).json()["liked"]
    assert guarded.post("/logout", headers=token).status_code == 303
    assert guarded.get(f"{API}/session").status_code == 401


def test_a_login_ends_with_the_password(guarded, workspace):
    log_in(guarded)
    assert guarded.get(f"{API}/session").status_code == 200
    add_user(users_file(workspace), "ann", "another password")
    assert guarded.get(f"{API}/session").status_code == 401
    users_file(workspace).unlink()  # which opens no door
    assert guarded.get(f"{API}/find").status_code == 401


def test_listeners_are_each_others_secret(guarded):
    log_in(guarded)
    token = {"X-CSRF-Token": guarded.get(f"{API}/session").json()["csrf"]}
    assert guarded.get(f"{API}/recommend").json()["user"] == "ann"
    assert guarded.get(f"{API}/recommend", params={"user": "me"}).status_code == 403
    body = {"seeds": ["t01"], "filters": {"new_for": "me"}}
    assert guarded.post(f"{API}/similar", json=body, headers=token).status_code == 403
    body = {"kind": "listener", "users": ["me"]}
    assert guarded.post(f"{API}/playlist", json=body, headers=token).status_code == 403
    assert [row["user"] for row in guarded.get(f"{API}/listeners").json()["results"]] == ["ann"]


def test_keys_open_for_programs(guarded, workspace):
    key = add_key(users_file(workspace), "ann")
    assert key not in users_file(workspace).read_text()
    bearer = {"Authorization": f"Bearer {key}"}
    assert guarded.get(f"{API}/session", headers=bearer).json()["user"] == "ann"
    like = {"kind": "like", "id": "t01"}
    assert guarded.post(f"{API}/listening", json=like, headers=bearer).json()["user"] == "ann"
    wrong = {"Authorization": "Bearer nothing"}
    codes = [guarded.get(f"{API}/find", headers=wrong).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    assert guarded.get(f"{API}/find", headers=bearer).status_code == 429  # for a while


def test_keys_and_users_that_there_are_not(workspace, monkeypatch):
    file = users_file(workspace)
    add_user(file, "ann", PASSWORD)
    for change in (add_key, revoke_keys, remove_user):
        with pytest.raises(NotFoundError, match="no user 'bob'; 'audiorec serve user list'"):
            change(file, "bob")
    monkeypatch.setattr("audiorec.serve.users.MOST_KEYS", 2)
    keys = [add_key(file, "ann") for _ in range(2)]
    with pytest.raises(ParameterError, match="'ann' has 2 keys; .* key --revoke"):
        add_key(file, "ann")
    assert revoke_keys(file, "ann") == len(set(keys)) == 2


def test_guessing_is_stopped(guarded):
    codes = [log_in(guarded, f"guess {n}").status_code for n in range(7)]
    assert codes[:5] == [401] * 5 and codes[5:] == [429] * 2
    in_browser = log_in(guarded, Accept="text/html")
    assert in_browser.headers["location"] == "/login?error=many"
    assert log_in(guarded).status_code == 429  # the right one neither, for a while


def test_attempts_are_forgotten_and_bounded():
    throttle = LoginThrottle(most=2, seconds=0.0)
    throttle.failed("a", "a")
    assert not throttle.blocked("a")
    throttle = LoginThrottle(most=1, seconds=600)
    addresses = [f"address {number}" for number in range(12_000)]
    for address in addresses:
        throttle.failed(address)
    assert [throttle.blocked(address) for address in addresses] == [False] * 2000 + [True] * 10_000


def test_pages_of_other_sites_change_nothing(client):
    """Where there are no users, a page elsewhere could still send a form to 127.0.0.1."""
    like = {"kind": "like", "id": "t01"}
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8338"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": BASE},  # a page of this server, without its token
        {"Cookie": "audiorec_session=guessed"},
    ):
        answer = client.post(f"{API}/listening", json=like, headers=headers)
        assert answer.status_code == 403, headers
    assert not client.get(f"{API}/listening", params={"id": "t01"}).json()["liked"]
    assert "access-control-allow-origin" not in client.get(f"{API}/find").headers
    assert client.options(f"{API}/listening", headers={"Origin": "http://a"}).status_code == 405
    assert client.post(f"{API}/listening", json=like).status_code == 200


def test_a_form_may_carry_the_token(client):
    client.cookies.set("audiorec_session", "of-this-browser")
    csrf = client.get(f"{API}/session").json()["csrf"]
    form = {"csrf": csrf, "name": "a", "password": "b"}
    assert client.post("/login", data=form).status_code == 401  # read by the route all the same
    assert client.post("/login", data={**form, "csrf": "f" * 64}).status_code == 403
    assert client.post("/login", data={"a": "b" * 70_000, **form}).status_code == 403


def test_cookies_of_other_servers_on_this_machine_are_passed_over(guarded):
    """Browsers send them to every port, whatever their names."""
    cookie = log_in(guarded).headers["set-cookie"].partition(";")[0]
    guarded.cookies.clear()
    headers = {"Cookie": f"a/b=1; c,d=2; {cookie}"}
    assert guarded.get(f"{API}/session", headers=headers).json()["user"] == "ann"


def test_the_oldest_of_too_many_logins_ends(workspace, monkeypatch):
    monkeypatch.setattr("audiorec.serve.auth.MOST_LOGINS", 2)
    add_user(users_file(workspace), "ann", PASSWORD)
    auth = Auth(workspace)
    tokens = [auth.login("ann", PASSWORD, address="here") for _ in range(3)]
    assert [auth.user_of_login(token) for token in tokens] == [None, "ann", "ann"]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("0.0.0.0", False),
     ("192.168.1.5", False), ("music.example.org", False)],
)  # fmt: skip
def test_addresses_of_this_machine_alone(host, loopback):
    assert is_loopback(host) == loopback


@pytest.mark.parametrize(
    ("host", "known"),
    [("127.0.0.1:8337", True), ("localhost", True), ("[::1]:8337", True), ("192.168.1.5", True),
     ("music.example.org", True), ("MUSIC.example.org:443", True), ("evil.example", False),
     ("127.0.0.1.evil.example", False), ("", False), ("a@127.0.0.1", False), ("[::1", False),
     ("127.0.0.1:port", False), ("localhost.evil", False)],
)  # fmt: skip
def test_which_hosts_are_the_servers_own(host, known):
    assert is_known_host(host, ["music.example.org"]) == known


def test_a_name_of_another_is_refused(client):
    answer = client.get(f"{API}/find", headers={"Host": "evil.example"})
    assert answer.status_code == 421 and "--name" in answer.json()["detail"]
    assert client.get("/rest/ping", headers={"Host": "evil.example"}).status_code == 421


def test_bodies_are_bounded(workspace):
    settings = ServeSettings(max_body_bytes=1000, max_upload_bytes=2000)
    with TestClient(create_app(workspace, settings=settings), base_url=BASE) as client:
        large = {"seeds": ["x" * 900] * 3}
        assert client.post(f"{API}/similar", json=large).status_code == 413
        parts = (b'{"seeds": ["' + b"x" * 300 for _ in range(9))  # without a length
        answer = client.post(f"{API}/similar", content=parts)
        assert answer.status_code == 413
        file = {"file": ("a.wav", io.BytesIO(b"x" * 3000))}
        assert client.post(f"{API}/similar/upload", files=file).status_code == 413
        two = {"file": ("a.wav", io.BytesIO(b"x")), "more": ("b.wav", io.BytesIO(b"x"))}
        assert client.post(f"{API}/similar/upload", files=two).status_code == 400
        assert client.post(f"{API}/similar/upload", content=b"x").status_code == 415
        headers = {"Content-Length": "1e9"}
        assert client.post(f"{API}/similar", content=b"{}", headers=headers).status_code == 400


def test_every_answer_forbids_what_pages_do_not_need(client):
    for path in (f"{API}/find", f"{API}/nothing", "/healthz"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_users_file_is_its_owners(workspace):
    file = users_file(workspace)
    add_user(file, "ann", PASSWORD)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(WorkspaceError, match="chmod 600"):
        load_users(file)
    with TestClient(create_app(workspace), base_url=BASE) as client:
        answer = client.get(f"{API}/find")
        assert answer.status_code == 503 and "chmod 600" in answer.json()["detail"]
    file.chmod(0o600)
    for name in ("", "a b", "a/b", "<b>", "a\n", "x" * 65):
        with pytest.raises(ParameterError, match="not a valid user name"):
            add_user(file, name, PASSWORD)
    with pytest.raises(ParameterError, match="8 to 256"):
        add_user(file, "bob", "short")
    for user in ("3", '{"password": 3}', '{"password": "x", "keys": [1]}'):
        file.write_text(f'{{"users": {{"ann": {user}}}}}')
        with pytest.raises(WorkspaceError, match="remove it"):
            load_users(file)
    auth = Auth(workspace, required=True)
    file.unlink()
    file.mkdir()
    with pytest.raises(WorkspaceError, match=f"{file.name} cannot be written"):
        save_users(file, {})
    assert [path.name for path in workspace.root.iterdir() if ".part" in path.name] == []
    file.rmdir()
    assert auth.has_users and not auth.check("ann", "") and auth.user_of_key("") is None


def test_users_by_the_command_line(workspace, monkeypatch):
    def run(*arguments: str, given: str = ""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        root = str(workspace.root)
        return CliRunner().invoke(cli, ["-w", root, "serve", *arguments], input=given)

    refused = run("--host", "0.0.0.0")
    assert refused.exit_code == 1 and "serve user add" in str(refused.exception)
    assert run("--name", "music.example.org").exit_code == 1
    assert run("user", "add", "ann", "--password-stdin", given=f"{PASSWORD}\n").exit_code == 0
    assert load_users(users_file(workspace))["ann"].password == PASSWORD
    key = run("user", "key", "ann").output.strip()
    assert Auth(workspace).user_of_key(key) == "ann"
    assert '"keys": 1' in run("user", "list", "--json").output
    assert run("user", "list").output == "ann  1 keys\n"
    assert run("user", "key", "ann", "--revoke").exit_code == 0
    assert Auth(workspace).user_of_key(key) is None
    assert run("user", "remove", "ann").exit_code == 0 and not load_users(users_file(workspace))
    assert run("user", "remove", "ann").exit_code == 1
    assert run("user", "list").output == "there is no user: 'audiorec serve user add NAME'\n"
    typed = run("user", "add", "bob", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert typed.exit_code == 0 and "bob: added" in typed.output and PASSWORD not in typed.output
    assert load_users(users_file(workspace))["bob"].password == PASSWORD
