"""YouTube Music: ``watch-history.json`` of Google Takeout.

Rows of YouTube itself, which have another header, are videos. Titles begin with "Watched" in the
language of the account; the artist is the channel, without "- Topic". Removed videos have no
channel. The duration of a listen is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import parse_time, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import json_array
from audiorec.exceptions import data_error

TITLE = "YouTube Music watch history"
EXPORT = (
    "takeout.google.com: YouTube and YouTube Music > history; under 'Multiple formats' choose JSON "
    "for history (the default, HTML, cannot be read)"
)
HEADER = "YouTube Music"
# Text before or after the name of a watched video, by the account's language.
_WATCHED = re.compile(
    r"^(?:Watched|Listened to|Has visto|Has mirado|Vous avez regardé|Hai guardato|Você assistiu a|"
    r"Assistiu a|Bekeken:|Je hebt|Obejrzano:|Du har sett på|Du har sett|Titta på|Du så|"
    r"Просмотрено видео|Вы посмотрели видео|Visto) +|"
    r" +(?:angesehen|bekeken|を視聴しました|을\(를\) 시청했습니다\.?|을\(를\) 시청함|"
    r"adlı videoyu izlediniz)$|^(?:Zhlédnuto|已观看|觀看了) *"
)
_TOPIC = re.compile(r" - (?:Topic|Thema|Tema|Sujet|Argomento|Tópico|トピック|Тема)$")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format; so does the HTML export, so that it can be rejected."""
    name = member.base.lower()
    if member.suffix == ".json":
        return name == "watch-history.json" or (
            b'"titleUrl"' in member.head() and b'"header"' in member.head()
        )
    return name == "watch-history.html"


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every song of the history."""
    pages = [member for member in members if member.suffix == ".html"]
    if len(pages) == len(members):
        raise data_error(
            pages[0].where,
            "is a page for people",
            "ask Google Takeout again, with history in JSON ('Multiple formats')",
        )
    for member in members:
        if member in pages:
            continue
        for row in json_array(member, tally):
            listen = _listen(row, tally)
            if listen is not None:
                yield listen


def _listen(row: dict[str, Any], tally: Tally) -> Listen | None:
    if row.get("header") != HEADER:
        tally["videos"] += 1
        return None
    if row.get("details"):
        tally["advertisements"] += 1
        return None
    subtitles = row.get("subtitles")
    first = subtitles[0] if isinstance(subtitles, list) and subtitles else None
    channel = text(first.get("name")) if isinstance(first, dict) else ""
    name = text(row.get("title"))
    title = _WATCHED.sub("", name)
    if not channel or not title or "://" in title:
        tally["removed videos"] += 1
        return None
    time = parse_time(row.get("time"), tally)
    if time is None:
        return None
    return Listen(_TOPIC.sub("", channel), title, timestamp=time)
