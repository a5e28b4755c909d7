"""Hazards that the text of a statement shows: pure, and no server is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..files.scripts import Script
from ..sql.lexer import DOLLAR, Unterminated, end_of_dollar, tokens
from ..sql.scan import scan
from .hazard import Hazard
from .statements import Name, Text, read, texts

_HASHED = re.compile(r"(?i)'(?:scram-sha-256\$|md5[0-9a-f]{32}')")
_IN_CONNECTION = re.compile(r"(?i)\bpassword\s*=\s*'?[^\s';]")
_NAME = re.compile(r'(?s)"(?:[^"]|"")*"|\w+')


def hazards(script: Script, fresh: frozenset[Name]) -> list[Hazard]:
    """`fresh` are tables that newer files made: what is done to their rows does no harm."""
    found = []
    known = texts(script)
    made = fresh | {table for text in known for table in _made(text)}
    for number, text in enumerate(known, 1):
        for part in [text, *_inside(script, number, text)]:
            found += [*_all_rows(part, number, made), *_lock(part, number, made)]
        found += [*_password(text, number), *_definer(text, number, known[number:])]
        found += _public(text, number)
    return found


def _inside(script: Script, number: int, text: Text) -> Iterator[Text]:
    """The statements of a DO block, roughly: what stands between its semicolons."""
    if not text.begins("DO"):
        return
    statement, _ = script.statements[number - 1]
    whole = script.text[statement.start : statement.end]
    openings = (DOLLAR.match(whole, t.start) for t in tokens(whole, 0, len(whole)))
    opening = next(filter(None, openings), None)
    if opening is None:
        return
    body = whole[opening.end() : end_of_dollar(whole, opening) - len(opening[0])]
    try:
        for part in scan(body).statements:
            yield from _after_keywords(read(body, part))
    except Unterminated:  # another language, perhaps
        return


_BLOCK = ("BEGIN", "THEN", "LOOP", "ELSE")


def _after_keywords(text: Text) -> Iterator[Text]:
    """BEGIN UPDATE t SET ... is one piece up to the semicolon."""
    ats = [at + 1 for at, word in enumerate(text.words) if word in _BLOCK]
    start = max(ats, default=0)
    yield Text(text.words[start:], text.places[start:])


def _made(text: Text) -> Iterator[Name]:
    if "TABLE" in text.words[1:4] and text.made is not None:
        yield text.made


# ---- rows ----


def _all_rows(text: Text, number: int, made: frozenset[Name]) -> Iterator[Hazard]:
    if text.begins("TRUNCATE"):
        at = 2 if text.words[1:2] == ("TABLE",) else 1
        yield from _rows(text, number, at, "TRUNCATE", made)
        return
    if not text.begins("UPDATE", "DELETE", "WITH"):
        return
    depth = 0
    for at, word in enumerate(text.words):
        depth += (word == "(") - (word == ")")
        first = at == 0 or text.words[at - 1] in ("(", ")")
        if word in ("UPDATE", "DELETE") and first and not _has_where(text, at):
            yield from _rows(text, number, at + (2 if word == "DELETE" else 1), word, made)


def _rows(text: Text, number: int, at: int, verb: str, made: frozenset[Name]) -> Iterator[Hazard]:
    at += text.words[at : at + 1] == ("ONLY",)
    name = text.full_name_at(at)
    if not name.is_among(made):
        yield Hazard("update-without-where", number, name._asdict(), verb)


def _has_where(text: Text, at: int) -> bool:
    """Within the parentheses in which the verb stands."""
    depth = 0
    for word in text.words[at:]:
        depth += (word == "(") - (word == ")")
        if depth < 0:
            return False
        if depth == 0 and word == "WHERE":
            return True
    return False


def _lock(text: Text, number: int, made: frozenset[Name]) -> Iterator[Hazard]:
    if text.begins("LOCK"):
        at = 2 if text.words[1:2] == ("TABLE",) else 1
        at += text.words[at : at + 1] == ("ONLY",)
        name = text.full_name_at(at)
        if not name.is_among(made):
            yield Hazard("lock-table", number, name._asdict())


# ---- rights ----


def _password(text: Text, number: int) -> Iterator[Hazard]:
    for at, word in enumerate(text.words):
        before = text.words[at - 1].strip('"').upper() if at else ""
        given = word.startswith(("'", "E'", "$")) and before == "PASSWORD"
        if given and not _HASHED.match(word) and _is_role_or_mapping(text):
            yield Hazard("password-in-clear", number)
            return
        if _IN_CONNECTION.search(word) and _connects(text):
            yield Hazard("password-in-clear", number)
            return


def _is_role_or_mapping(text: Text) -> bool:
    return text.begins(
        *(f"{verb} {what}" for verb in ("CREATE", "ALTER") for what in ("ROLE", "USER", "GROUP"))
    ) or text.begins("CREATE SERVER", "ALTER SERVER")


def _connects(text: Text) -> bool:
    return text.begins("CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "SELECT", "DO", "CALL")


def _definer(text: Text, number: int, later: list[Text]) -> Iterator[Hazard]:
    words = text.words[:4]
    routine = text.begins("CREATE", "ALTER") and {"FUNCTION", "PROCEDURE", "ROUTINE"} & set(words)
    if not routine or not text.has("SECURITY", "DEFINER") or _sets_path(text):
        return
    at = next(at for at, word in enumerate(words) if word in routine) + 1
    name = text.name_at(at)
    if not any(t.begins("ALTER") and t.names(name) and _sets_path(t) for t in later):
        yield Hazard("security-definer", number, {"object": name})


def _sets_path(text: Text) -> bool:
    return text.has("SET", "SEARCH_PATH")


def _public(text: Text, number: int) -> Iterator[Hazard]:
    grants = text.begins("GRANT") or (text.begins("ALTER DEFAULT PRIVILEGES") and text.has("GRANT"))
    at = max((i for i, word in enumerate(text.words) if word == "TO"), default=-1)
    if grants and at >= 0 and "PUBLIC" in text.words[at:]:
        yield Hazard("grant-to-public", number)
