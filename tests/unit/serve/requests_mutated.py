"""Requests as no client sends them: bytes, values and methods changed at random.

    python tests/unit/serve/requests_mutated.py PORT WORKSPACE NUMBER [SEED]

sends so many to a server that runs, and prints what it answered.
"""

from __future__ import annotations

import json
import random
import re
import socket
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import quote

from audiorec.workspace import Workspace

PATHS = ("find", "track", "similar", "recommend", "explain", "exclusions", "listeners", "status",
         "jobs", "jobs/events", "listening", "audio", "cover", "spectrogram", "recipes", "session",
         "failures", "openapi.json", "playlist", "playlist/file", "playlist/replacement", "next",
         "similar/upload")  # fmt: skip
OTHERS = ("/", "/login", "/logout", "/healthz", "/static/x", "/rest/ping", "/rest/stream.view",
          "/rest/getCoverArt", "/rest/search3", "/map", "/track", "/nothing")  # fmt: skip
PARAMETERS = ("id", "q", "seed", "k", "limit", "offset", "a", "b", "user", "size", "u", "p", "f",
              "t", "s", "kind", "value", "space", "callback", "query")  # fmt: skip
PATIENCE = 0.3  # s without a byte
OUTSIDE = b"this file is outside of the library"


def values(rng: random.Random, outside: Path) -> str:
    """A value of a parameter, fit or not."""
    return rng.choice(
        [f"t{rng.randrange(40):02d}", "t03", "Song 03", "10", "-1", "0", "1e9", "9" * 20,
         "NaN", "null", "", "%", "\0", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
         "../" * 8 + "etc/passwd", "/etc/passwd", str(outside), "..\\..\\x", "file:///etc/passwd",
         "' OR 1=1 --", "<script>alert(1)</script>", "a" * 3000, "\u202e\u0000\u200b", "*", "**",
         "enc:" + "zz", "json", "jsonp", "blend", "listening", "[" * 200, "{{7*7}}", "$(id)"]
    )  # fmt: skip


def mutated(rng: random.Random, outside: Path) -> bytes:
    """One request."""
    path = f"/api/v1/{rng.choice(PATHS)}" if rng.random() < 0.75 else rng.choice(OTHERS)
    names = rng.choices(PARAMETERS, k=rng.randrange(4))
    if rng.random() < 0.5:  # something that may well be right
        names += ["id", "seed", "a"]
    pairs = [f"{name}={quote(values(rng, outside), safe='', errors='replace')}" for name in names]
    target = path + ("?" + "&".join(pairs) if pairs else "")
    method = rng.choices(
        ["GET", "POST", "HEAD", "DELETE", "PUT", "OPTIONS", "PATCH", "G\u00c4T", "TRACE"],
        [50, 30, 5, 5, 3, 3, 2, 1, 1],
    )[0]
    headers = ["Host: 127.0.0.1", "Connection: close"]
    body = b""
    if method in ("POST", "PUT", "DELETE", "PATCH"):
        table = {
            rng.choice(["seeds", "k", "kind", "id", "track_ids", "filters", "tracks", "position",
                        "format", "name", "value", "users", "length", "a"]): rng.choice(
                [values(rng, outside), [values(rng, outside)], rng.randrange(-5, 50), None, {},
                 [[[]]], 1e308, {"genre": [values(rng, outside)]}])
            for _ in range(rng.randrange(5))
        }  # fmt: skip
        if "jobs" in path:
            table = {"kind": "scan", "folder": str(outside.parent)}
        body = json.dumps(table).encode()
        kinds = ["application/json"] * 6 + ["text/plain", "multipart/form-data; boundary=x", "x"]
        headers.append(f"Content-Type: {rng.choice(kinds)}")
        length = len(body) if rng.random() < 0.97 else rng.choice([0, 3, 10**12])
        headers.append(f"Content-Length: {length}")
    if rng.random() < 0.3:
        headers.append(
            rng.choice(
                ["Range: bytes=0-9", "Range: bytes=-1", "Range: bytes=99999999-", "Range: bytes=a",
                 "Range: bytes=0-1,3-4", "Cookie: audiorec_session=x", "Cookie: \xff=;;=",
                 "Authorization: Bearer x", "Authorization: \x80", "Origin: http://evil.example",
                 "X-CSRF-Token: \xe9", "Accept: text/html", "If-None-Match: *", "X: " + "y" * 9000,
                 "Accept-Encoding: zstd", "Transfer-Encoding: chunked", "Expect: 100-continue"]
            )
        )  # fmt: skip
    head = f"{method} {target} HTTP/1.1\r\n" + "\r\n".join(headers) + "\r\n\r\n"
    raw = bytearray(head.encode("latin-1", "replace") + body)
    if rng.random() < 0.15:
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def send_mutated(
    port: int, workspace: Workspace, *, n: int, seed: int
) -> tuple[Counter[int], list[bytes]]:
    """Send requests; return how many got which status (0: none), and answers from outside."""
    outside = workspace.root.parent / "outside.txt"
    outside.write_bytes(OUTSIDE)
    rng = random.Random(seed)
    codes: Counter[int] = Counter()
    leaks = []
    for _ in range(n):
        request = mutated(rng, outside)
        answer = exchange(port, request)
        found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
        code = int(found[1]) if found else 0
        codes[code] += 1
        if OUTSIDE in answer or b"root:x:" in answer:
            leaks.append(request)
        if code >= 500:
            print(code, request[:400], answer[-300:], file=sys.stderr)
    return codes, leaks


def exchange(port: int, request: bytes) -> bytes:
    """What comes back; where nothing has for a while, the server may wait for more: it is told
    that no more comes. Not at once: who has hung up is not answered, whatever went wrong.
    """
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            while True:
                try:
                    block = connection.recv(1 << 16)
                except TimeoutError:
                    if connection.gettimeout() != PATIENCE:
                        break
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(60)
                    continue
                if not block:
                    break
                answer += block
    except OSError:
        pass
    return answer


def memory_of(pid: int) -> float:
    """Memory of a process, MB."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * 4096 / 1e6


if __name__ == "__main__":
    port_given, place, number, *seeds = sys.argv[1:]
    counted, found_outside = send_mutated(
        int(port_given), Workspace(Path(place)), n=int(number), seed=int((seeds or [1])[0])
    )
    print(dict(counted), "answers from outside:", len(found_outside))
