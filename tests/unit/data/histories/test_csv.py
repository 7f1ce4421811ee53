"""Importing plays from CSV: what is read, and how each kind of bad file is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import polars as pl
import pytest

from audiorec.data import add_table, import_plays
from audiorec.data.histories import csv as importer
from audiorec.data.histories.imported_frame import SCHEMA
from audiorec.data.plays import load_plays, writing_plays
from audiorec.data.plays_import import get_importer
from audiorec.exceptions import DataError, ParameterError

HEADER = "user_id,track_id,plays\n"
TIMED = "user_id,track_id,plays,timestamp\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "plays.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(file: Path) -> list[tuple]:
    scratch = file.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return get_importer("csv")(file, scratch=scratch).plays.collect().rows()


def test_columns_in_any_order_with_others_between(write):
    file = write("plays,mood,track_id,user_id\n3,glad,t1,u1\n 2 ,, t2 ,u1\n")
    assert read(file) == [("u1", "t1", 3.0, None), ("u1", "t2", 2.0, None)]


def test_schema_is_the_promised_one(write, tmp_path):
    imported = get_importer("csv")(write(HEADER + "u,t,1\n"), scratch=tmp_path)
    assert dict(imported.plays.collect_schema()) == SCHEMA


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER.encode() + b"u,t,1\n",
        HEADER.replace("\n", "\r\n").encode() + b"u,t,1\r\n",
        HEADER.encode() + b"u,t,1",
        HEADER.encode() + b"\nu,t,1\n\n\n",
        gzip.compress(HEADER.encode() + b"u,t,1\n"),
        gzip.compress(HEADER.encode()) + gzip.compress(b"u,t,1\n"),
        b'"user_id","track_id","plays"\n"u","t","1"\n',
    ],
    ids=["bom", "crlf", "no last newline", "blank lines", "gzip", "gzip members", "quoted"],
)
def test_harmless_forms_of_the_same_file(write, content):
    assert read(write(content)) == [("u", "t", 1.0, None)]


def test_quoted_ids_keep_commas_quotes_and_newlines(write):
    file = write(HEADER + '"u,1","t ""x""",1\nü,"a\nb",2.5\n')
    assert read(file) == [("u,1", 't "x"', 1.0, None), ("ü", "a\nb", 2.5, None)]


def test_ids_that_look_like_numbers_stay_text(write):
    assert read(write(HEADER + "007,1e3,1\n")) == [("007", "1e3", 1.0, None)]


def test_zero_plays_are_skipped_and_counted(write, tmp_path):
    imported = get_importer("csv")(write(HEADER + "u,t,0\nu,s,1\n"), scratch=tmp_path)
    assert imported.skipped == 1
    assert imported.plays.collect().rows() == [("u", "s", 1.0, None)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1717186500", 1717186500),
        ("1717186500.75", 1717186500),
        ("1717186500750", 1717186500),
        ("1717186500750123", 1717186500),
        ("2024-05-31T20:15:00Z", 1717186500),
        ("2024-05-31T20:15:00", 1717186500),
        ("2024-05-31 20:15:00", 1717186500),
        ("2024-05-31 20:15", 1717186500),
        ("2024-05-31 20:15:00 UTC", 1717186500),
        ("2024-05-31T22:15:00+02:00", 1717186500),
        ("2024-05-31T22:15:00.250+0200", 1717186500),
        ("2024-06-01T01:45:00+05:30", 1717186500),
        ("2024-05-31T16:15:00-04", 1717186500),
        ("2024-05-31", 1717113600),
        ("0", 0),
        ("", None),
        ("  ", None),
    ],
)
def test_times_in_several_forms(write, text, seconds):
    assert read(write(f"{TIMED}u,t,1,{text}\n")) == [("u", "t", 1.0, seconds)]


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2024-13-01", "2024-02-30T10:00:00Z", "31/05/2024", "-5", "nan", "inf",
     "1e30", "2024-05-31T25:00:00", "1950-01-01", "2024-05-31T20:15:00+25:00"],
)  # fmt: skip
def test_a_time_that_is_none_is_named(write, text):
    file = write(f"{TIMED}u,t,1,5\nu,s,1,{text}\n")
    with pytest.raises(DataError, match=r"line 3: timestamp='.*' is not a time; use") as error:
        read(file)
    assert repr(text) in str(error.value) and str(file) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b" User ID ;Track-ID;PLAYS\nu;\xe9t\xe9;1\n",
        "user_id\ttrack_id\tplays\nu\tété\t1\n".encode(),
        "user_id|track_id|plays\nu|été|1\n".encode("utf-16"),
        "user_id,track_id\nu,été\n".encode(),
        "\ufeffUser,Track,Play Count\nu,été,1\n".encode(),
    ],
)
def test_tables_as_people_have_them(write, content):
    assert read(write(content)) == [("u", "été", 1.0, None)]


@pytest.mark.parametrize(
    ("date", "iso"),
    [
        ("31/05/2024 9:15", "2024-05-31 09:15"),
        ("05/31/2024", "2024-05-31"),
        ("31-5-2024 20:15:01", "2024-05-31 20:15:01"),
        ("01.05.2024", "2024-05-01"),
    ],
)
def test_dates_that_leave_no_doubt(write, date, iso):
    plain = read(write(TIMED + f"u,t,1,{iso}\nu,s,1,\n"))
    assert read(write(TIMED + f"u,t,1,{date}\nu,s,1,\n")) == plain


def test_one_date_decides_for_all(write):
    rows = read(write("user_id;track_id;timestamp\nu;t;05/04/2024\nu;t;25/04/2024\n"))
    assert [row[3] for row in rows] == [1712275200 + 86400 * n for n in (0, 20)]


BAD = {
    "missing column": (b"user_id,plays\nu,1\n", r"no column 'track_id' \(its columns: 'user_id', "),
    "zip": (b"PK\x03\x04" + bytes(60), "is a zip archive or a workbook; unpack it"),
    "parquet": (b"PAR1" + bytes(60), "is a Parquet file; save it as CSV"),
    "day or month": (
        b"user_id,track_id,plays,timestamp\nu,t,1,\nu,t,1,05/04/2024\n",
        "line 3: timestamp='05/04/2024' may begin with the day or the month",
    ),
    "day and month": (
        b"user_id,track_id,plays,timestamp\nu,t,1,25/04/2024\nu,t,1,04/25/2024\n",
        "line 3: dates begin with the day in some lines, with the month in others .line 2",
    ),
    "cyrillic code page": (
        "user_id,track_id,plays\nu,t,1\nu,песня,1\n".encode("cp1251"),
        "line 3: byte 0xef is not UTF-8 text",
    ),
    "polish code page": (
        "user_id,track_id,plays\nu,mała,1\n".encode("cp1250"),
        "line 2: byte 0xb3 is not UTF",
    ),
    "a long id": (
        b"user_id,track_id,plays\nu,t,1\nu," + b"t" * 1000 + b",1\n",
        "line 3: track_id 't{40}'... has 1,000 characters",
    ),
    "column twice": (
        b"user_id,track_id,plays,plays\nu,t,1,2\n",
        "bad.csv has 2 columns 'plays'; keep one",
    ),
    "optional column twice": (
        b"user_id,rating,track_id,plays,rating\nu,1,t,1,0\n",
        "has 2 columns 'rating'",
    ),
    "no header": (b"u1,t1,3\n", r"no column 'user_id' .*make the first line user_id,track_id"),
    "blank first line": (b"\nuser_id,track_id,plays\nu,t,1\n", "no column 'user_id'"),
    "negative": (b"user_id,track_id,plays\nu,t,1\nu,s,-2\n", "line 3: plays='-2' is negative"),
    "non-numeric": (b"user_id,track_id,plays\nu,t,many\n", "line 2: plays='many' is not a number"),
    "comma number": (b'user_id,track_id,plays\nu,t,"1,5"\n', "line 2: plays='1,5' is not a numb"),
    "nan": (
        b"user_id,track_id,plays\nu,t,nan\n",
        "line 2: plays='nan' is not a number; correct it",
    ),
    "infinite": (b"user_id,track_id,plays\nu,t,inf\n", "line 2: plays='inf' is not a plausible"),
    "huge": (b"user_id,track_id,plays\nu,t,1e300\n", "line 2: plays='1e300' is not a plausible"),
    "empty count": (b"user_id,track_id,plays\nu,t,\n", "line 2: plays is empty; fill it in"),
    "short line": (b"user_id,track_id,plays\nu,t\n", "line 2: plays is empty"),
    "empty user": (b"user_id,track_id,plays\n,t,1\n", "line 2: user_id is empty"),
    "blank track": (b'user_id,track_id,plays\nu,"  ",1\n', "line 2: track_id is empty"),
    "after a newline in quotes": (
        b'user_id,track_id,plays\nu,"a\nb",1\n\nu,t,x\n',
        "line 5: plays='x'",
    ),
    "first of several": (
        b"user_id,track_id,plays\nu,t,1\n,t,1\nu,t,-1\n",
        "line 3: user_id is empty",
    ),
    "too many fields": (b"user_id,track_id,plays\nu,t,1\nu,t,1,2\n", "line 3: 4 fields where"),
    "open quote": (b'user_id,track_id,plays\nu,t,1\n"u,t,1\n', "close the double quote"),
    "utf-16 without mark": ("user_id,track_id,plays\n".encode("utf-16-le"), "line 1: a zero byte"),
    "cut off in a letter": (b"user_id,track_id,plays\nu,\xc3", "line 2: the last character is cut"),
    "empty": (b"", "is empty; it needs a header user_id,track_id,plays"),
    "only a newline": (b"\n", "no column 'user_id'"),
    "gzip of nothing": (gzip.compress(b""), "is empty; it needs a header"),
    "cut-off gzip": (gzip.compress(os.urandom(5000))[:-20], "is damaged gzip .* fetch it again"),
    "gzip with a wrong byte": (
        gzip.compress(b"user_id,track_id,plays\nu,t,1\n")[:-8] + b"\0" * 8,
        "is damaged gzip",
    ),
    "no rows": (b"user_id,track_id,plays\n", "has no rows; export it again"),
    "only blank rows": (b"user_id,track_id,plays\n\n\n", "has no rows"),
    "only zeros": (b"user_id,track_id,plays\nu,t,0\n", "has no row with plays above 0"),
}


LONG = b"x" * 200_000
BAD |= {
    "a wrong count below a long id": (
        b"user_id,track_id,plays\n" + LONG + b",t,1\nu,t,-3\n",
        "line 2: user_id 'x{40}'... has 200,000 characters",
    ),
    "a long count": (b"user_id,track_id,plays\nu,t," + LONG + b"\n", r"plays='x{80}\.\.\.' is not"),
    "a quote left open below a long id": (
        b"user_id,track_id,plays\n" + LONG + b',t,1\nu,"t"x,1\n',
        "line 3: .* double quote",
    ),
    "a long header": (LONG + b",track_id,plays\nu,t,1\n", "no column 'user_id'"),
    "line ends of CR": (
        b"user_id,track_id,plays\ru,t,1\rv,t,2\r",
        "ends its lines with CR alone, as old Macs did; save it with line ends LF",
    ),
}


TOLD = b"user_id,track_id,plays,skipped,rating\n"
BAD |= {
    "skips in words": (TOLD + b"u,t,1,often,\n", "line 2: skipped='often' is not a number; corre"),
    "skips below 0": (TOLD + b"u,t,1,-1,\n", "line 2: skipped='-1' is negative; use a count of 0"),
    "endless skips": (TOLD + b"u,t,1,inf,\n", "line 2: skipped='inf' is not a plausible count"),
    "rating in words": (TOLD + b"u,t,1,,good\n", "line 2: rating='good' is not a number; correct"),
    "rating nan": (
        TOLD + b"u,t,1,,nan\n",
        "line 2: rating='nan' is not a number; correct it or leave it empty",
    ),
    "stars without neutral": (
        TOLD + b"u,t,1,,1\nu,s,1,,4\n",
        "line 3: rating='4' is not from -1 to 1; where ratings are 1 to 5, name the neutral one, ",
    ),
    "nothing said": (TOLD + b"u,t,0,0,0\n", "has no row with plays above 0"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_in_one_line_and_nothing_stored_is_lost(
    write, tmp_path, content, message
):
    store = tmp_path / "store"
    import_plays(store, write(HEADER + "u,t,1\n", "good.csv"))
    before = sorted((p.name, p.stat().st_size) for p in store.iterdir())
    file = write(content, "bad.csv")
    with pytest.raises(DataError, match=message) as error:
        import_plays(store, file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert sorted((p.name, p.stat().st_size) for p in store.iterdir()) == before
    assert load_plays(store).rows() == [("u", "t", 1.0, None)]


def test_a_directory_a_missing_file_and_a_pipe_are_refused(tmp_path):
    with pytest.raises(DataError, match="is a directory; name the file in it"):
        import_plays(tmp_path / "store", tmp_path)
    with pytest.raises(DataError, match="there is no plays file .*nowhere.csv"):
        import_plays(tmp_path / "store", tmp_path / "nowhere.csv")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is no regular file"):
        import_plays(tmp_path / "store", tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: run as another user")
def test_a_file_without_permission_is_refused(write, tmp_path):
    file = write(HEADER + "u,t,1\n")
    file.chmod(0)
    with pytest.raises(DataError, match="cannot be read: permission denied; check its permissions"):
        import_plays(tmp_path / "store", file)


def test_an_unknown_source_names_the_known_ones(write, tmp_path):
    with pytest.raises(ParameterError, match="source='mp3' is unknown; use one of: csv"):
        import_plays(tmp_path / "store", write(HEADER), source="mp3")


def told(file: Path, *, neutral: float | None = None) -> list[tuple]:
    scratch = file.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    plays = get_importer("csv")(file, scratch=scratch, neutral=neutral).plays
    return plays.collect().drop("timestamp").rows()


def test_skips_and_ratings_are_read_in_any_order(write):
    file = write("rating,user_id,skipped,track_id,plays\n-1,u,,a,0\n,u,2,b,3\n0.5,u,TRUE,c,1\n"
                 " 1 ,u,false,d,1\n0,u,0,e,0\n")  # fmt: skip
    assert told(file) == [
        ("u", "a", 0.0, None, -1.0),
        ("u", "b", 3.0, 2.0, None),
        ("u", "c", 1.0, 1.0, 0.5),
        ("u", "d", 1.0, 0.0, 1.0),
    ]


def test_one_of_the_two_columns_alone_stands_alone(write, tmp_path):
    imported = get_importer("csv")(
        write("user_id,track_id,plays,skipped,timestamp\nu,t,0,1,5\n"), scratch=tmp_path
    )
    assert dict(imported.plays.collect_schema()) == SCHEMA | {"skipped": pl.Float64}
    assert imported.plays.collect().rows() == [("u", "t", 0.0, 5, 1.0)]


@pytest.mark.parametrize(
    ("neutral", "ratings"),
    [
        (3, [-1, -0.5, 0, 0.5, 1]),
        (2, [-1, 0, 1 / 3, 2 / 3, 1]),
        (4.5, [-1, -5 / 7, -3 / 7, -1 / 7, 1]),
    ],
)  # fmt: skip
def test_stars_around_a_stated_neutral(write, neutral, ratings):
    file = write(
        "user_id,track_id,plays,rating\n" + "".join(f"u,t{n},1,{n}\n" for n in range(1, 6))
    )
    assert [row[-1] for row in told(file, neutral=neutral)] == pytest.approx(ratings)


def test_a_neutral_rating_must_fit_the_file(write):
    file = write("user_id,track_id,plays,rating\nu,t,1,3\nu,s,1,0\n")
    with pytest.raises(
        DataError, match="line 3: rating='0' is not from 1 to 5; correct it or leav"
    ):
        told(file, neutral=3)
    for neutral in (1, 5, 0, float("nan")):
        with pytest.raises(ParameterError, match=f"neutral={neutral:g} must lie between 1 and 5"):
            told(file, neutral=neutral)
    with pytest.raises(DataError, match="'rating' for neutral=3; leave --neutral out"):
        told(write(HEADER + "u,t,1\n"), neutral=3)


def test_a_column_of_mixed_forms_is_read_row_by_row(write):
    forms = ["2024-05-31T20:15:00Z", "1717186500", "", "2024-05-31 20:15", "1717186500000"]
    file = write(TIMED + "".join(f"u,t{n},1,{form}\n" for n, form in enumerate(forms)))
    assert [row[3] for row in read(file)] == [1717186500, 1717186500, None, 1717186500, 1717186500]


def test_lines_are_named_right_beyond_one_block_of_text(write, monkeypatch):
    monkeypatch.setattr(importer, "BLOCK", 7)
    good = "".join(f"u{n},t{n},1\n" for n in range(50))
    with pytest.raises(DataError, match="line 52: byte 0xff"):
        read(write((HEADER + good).encode() + b"u,\xff,1\n"))
    assert read(write(HEADER + "u,日本,1\n")) == [("u", "日本", 1.0, None)]


def test_a_large_file_is_the_same_as_its_rows(write):
    n = 300_000
    users = [f"u{i % 997}" for i in range(n)]
    tracks = [f"t{i * 7 % 5003}" for i in range(n)]
    frame = pl.DataFrame(
        {"user_id": users, "track_id": tracks, "plays": [i % 9 + 1 for i in range(n)]}
    )
    file = write(b"")
    frame.write_csv(file)
    rows = read(file)
    assert [row[:3] for row in rows] == frame.cast({"plays": pl.Float64}).rows()


def test_tracks_may_be_named_by_file_or_name(write, tmp_path):
    file = write("user_id;track_id\nu;E:\\Music\\Sade\\Jezebel.mp3\nu;BJÖRK - Jóga\nu;t3\nu;t9\n")
    with writing_plays(tmp_path / "plays") as writer:
        add_table(
            writer, file, source="csv",
            paths={"/m/Sade/Jezebel.mp3": "t1", "/m/b.mp3": "t2", "/m/c.mp3": "t3"},
            names={"björk - jóga": "t2"},
        )  # fmt: skip
        writer.commit()
    assert load_plays(tmp_path / "plays")["track_id"].to_list() == ["t1", "t2", "t3", "t9"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("first", "mark"), [("sep=;", ";"), ('"sep=\t"', "\t"), ("SEP=,\r", ",")])
def test_a_line_of_excel_before_the_header_names_the_separator(write, first, mark, encoding):
    table = ("User ID,Track ID,Plays", "u,a|b,3", "u,t2,x")
    rows = [first, *(line.replace(",", mark) for line in table)]
    assert read(write("\n".join(rows[:3]).encode(encoding))) == [("u", "a|b", 3.0, None)]
    bad = write("\n".join(rows).encode(encoding), "bad.csv")
    with pytest.raises(DataError, match="line 4: plays='x'"):
        read(bad)


def test_binary_content_is_named_as_that(write):
    content = bytes(range(1, 256)) * 20
    with pytest.raises(DataError, match="is binary, no text"):
        read(write(content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_a_quote_out_of_place_is_named_in_any_form(write, encoding, first):
    table = f'{first}User ID;Track ID;Plays\nü;t;1\nu;"t"x;1\n'
    line = 3 + len(first.splitlines())
    with pytest.raises(DataError, match=f"plays.csv, line {line}: ';' expected .*; close the dou"):
        read(write(table.encode(encoding)))


def test_a_quote_within_a_field_that_has_none_around_it(write):
    with pytest.raises(DataError, match=r"is not proper CSV \(.*\); put ids that hold a double"):
        read(write(HEADER + 'u,a"b,1\n'))


def test_other_columns_are_named_in_any_encoding(write):
    for encoding in ("utf-8", "utf-16", "cp1252"):
        with pytest.raises(DataError, match=r"no column 'user_id' \(its columns: 'a', 'ü'\)"):
            read(write("a,ü\né,1\n".encode(encoding)))
    with pytest.raises(DataError, match="'a;b'.*; separate the columns by commas"):
        read(write("a;b\nc;d\n"))


def test_bytes_of_no_code_page(write):
    """Windows-1252 has no character 0x81."""
    with pytest.raises(DataError, match="line 2: byte 0x81 is not UTF-8 text; save the file as"):
        read(write(HEADER.encode() + b"\x81,t,1\n"))


def test_a_file_on_a_broken_disk(tmp_path, link_unreadable):
    link_unreadable(tmp_path / "plays.csv")
    with pytest.raises(DataError, match="cannot be read: input/output error; check its perm"):
        read(tmp_path / "plays.csv")
