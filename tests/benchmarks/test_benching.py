"""The benchmarks' own frame: turns are taken, ratios are right, the page is renewed in place."""

from __future__ import annotations

import json
import sys

import benching
import pytest


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(benching, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_sides_take_turns_and_the_first_round_does_not_count(results, capsys):
    calls = []

    def side(name, seconds):
        def work():
            calls.append(name)
            return {"seconds": seconds, "peak": 2e6}

        return work

    sides = {"ours": side("ours", 2.0), "theirs": side("theirs", 4.0)}
    result = benching.contest("x", "Something", sides, amount=8, unit="clips", rounds=3)
    assert calls.count("ours") == calls.count("theirs") == 4
    assert {calls[place] for place in (0, 2, 4, 6)} == {"ours", "theirs"}  # who begins alternates
    assert result.sides["ours"].seconds == [2.0] * 3
    assert result.ratio("theirs") == [0.5] * 3
    document = json.loads((results / "x.json").read_text())
    assert document["machine"]["cores"] >= 1 and document["machine"]["versions"]["numpy"]
    table = benching.rows(document)
    assert table[0][:2] == ["ours", "4 clips/s"]
    assert table[1][3] == "0.50 (0.50 to 0.50)" and table[1][4] == "peak 2 MB"
    assert "numpy" in capsys.readouterr().err


def test_a_process_is_measured_from_its_start_to_its_end():
    code = "import sys; x = bytearray(10**8); x[:] = b'1' * 10**8; print(sys.stdin.read())"
    done = benching.process([sys.executable, "-c", code], stdin=b"hello")
    assert done["stdout"] == "hello\n"
    assert done["seconds"] > 0.01 and done["peak"] > 1e8
    mine = bytearray(2 * 10**8)  # is not counted as theirs
    mine[:] = b"1" * len(mine)
    assert benching.process([sys.executable, "-c", "print(1)"])["peak"] < 5e7
    code = "import sys; print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(RuntimeError, match="ended with 3: why"):
        benching.process([sys.executable, "-c", code])


def test_the_page_is_renewed_between_its_marks(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{benching.BEGIN}\nold\n{benching.END}\n\nafter\n")
    benching.contest("b", "Second", {"a": lambda: None}, amount=1, unit="x", rounds=1)
    benching.contest("a", "First", {"a": lambda: None}, amount=1, unit="x", rounds=1)
    assert benching.renew(results, page) == 2
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert text.index("### First") < text.index("### Second")
    assert benching.renew(results, page) == 2
    assert page.read_text() == text
    assert text.count("numpy") == 1  # what the machines share is named once
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="has no line"):
        benching.renew(results, page)


def test_results_of_a_growing_library_share_a_table(results, tmp_path, monkeypatch):
    monkeypatch.setattr(benching, "plot_scale", lambda *_: False)
    page = tmp_path / "page.md"
    page.write_text(f"{benching.BEGIN}{benching.END}")
    for n in (10, 100):
        sides = {"ours": lambda: None}
        benching.contest(f"scale-ask-{n}", f"Of {n}", sides, amount=1, unit="x", rounds=1)
    assert benching.renew(results, page) == 2
    text = page.read_text()
    assert text.count("###") == 1
    assert text.index("| Of 10: ours |") < text.index("| Of 100: ours |")
