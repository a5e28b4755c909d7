"""What a file leaves in its session for the next ones, and no reset takes back."""

from __future__ import annotations

import pytest

from support import Files, Inlay, Migrations

ORIGIN = "SELECT pg_replication_origin_session_setup('here');\n"
CONNECT = "SELECT dblink_connect('other', 'dbname=x');\n"
SET = "SET app.mode = 'x';\nSELECT 1;\n"
MODE = "current_setting('app.mode', true)"


def found(inlay: Inlay, directory: str) -> list[str]:
    said = inlay("check", directory, "--grammar", "off").err.splitlines()
    return [line for line in said if "[session-leftover]" in line or "note: " in line]


LEFT = {
    "an origin": (
        ORIGIN,
        "1:8: warning: this replication origin stays with the migrations that follow in the same "
        "session; end the file with SELECT pg_replication_origin_session_reset();",
    ),
    "an origin in a block": (
        f"DO $$ BEGIN\nPERFORM {ORIGIN[7:]}END $$;",
        "2:9: warning: this replication origin stays with",
    ),
    "an origin after another was given back": (
        f"SELECT pg_replication_origin_session_reset();\n{ORIGIN}",
        "2:8: warning: this replication origin stays with",
    ),
    "a connection": (
        CONNECT,
        "1:8: warning: the connection 'other' stays open for the migrations that follow in the "
        "same session; end the file with SELECT dblink_disconnect('other');",
    ),
    "a connection of another schema": (
        CONNECT.replace("dblink_", "ext.dblink_"),
        "1:12: warning: the connection 'other' stays",
    ),
    "another one that is closed": (
        f"{CONNECT}SELECT dblink_disconnect('x');",
        "1:8: warning: the connection 'other' stays",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_stays(inlay: Inlay, migrations: Migrations, case: str) -> None:
    body, told = LEFT[case]
    (line,) = found(inlay, migrations({"1_a.sql": body}))
    assert line.startswith(f"migrations/1_a.sql:{told}")
    (line,) = found(inlay, migrations({"1_a.up.sql": "SELECT 1;", "1_a.down.sql": body}))
    assert line.startswith(f"migrations/1_a.down.sql:{told}")


NOT_LEFT = [
    f"{ORIGIN}SELECT pg_replication_origin_session_reset();",
    f"{CONNECT}SELECT dblink_disconnect('other');",
    "SELECT dblink_connect('dbname=x');",  # the unnamed one is replaced by the next
    f"-- {ORIGIN}SELECT 'pg_replication_origin_session_setup(';",
    f"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ {CONNECT} $$;",
    f"DO $$ BEGIN PERFORM {CONNECT[7:]}; PERFORM dblink_disconnect('other'); END $$;",
    "SELECT dblink_connect",
    "DO $$ it's $$;",
]


@pytest.mark.parametrize("body", NOT_LEFT)
def test_what_does_not(inlay: Inlay, migrations: Migrations, body: str) -> None:
    assert found(inlay, migrations({"1_a.sql": body})) == []


SETS = [SET, "SET LOCAL app.mode = 'x';", "SELECT set_config('app.mode', 'x', true);"]
ASKS = [
    f"INSERT INTO t SELECT coalesce({MODE}, 'none');",
    f"SELECT 1 WHERE {MODE} IS NULL;",
    f"DO $$ BEGIN IF pg_catalog.{MODE} IS NOT NULL THEN RETURN; END IF; END $$;",
    f"SELECT coalesce(pg_catalog.{MODE}, 'none');",
]
TOLD = (
    "app.mode reads as '' and not as NULL once another migration has set it in the same session; "
    "write nullif(current_setting('app.mode', true), '') [session-leftover]"
)


@pytest.mark.parametrize("sets", SETS)
@pytest.mark.parametrize("asks", ASKS)
def test_a_setting_that_is_asked_for(
    inlay: Inlay, migrations: Migrations, sets: str, asks: str
) -> None:
    line, note = found(inlay, migrations({"1_a.sql": sets, "2_b.sql": asks}))
    assert line.startswith("migrations/2_b.sql:1:") and line.endswith(TOLD)
    assert note.startswith("migrations/1_a.sql:1:") and note.endswith(": note: set here")


SILENT: list[Files] = [
    {"1_a.sql": ASKS[0], "2_b.sql": SET},
    {"1_a.sql": SET, "2_b.sql": SET + ASKS[0]},
    {"1_a.sql": SET, "2_b.sql": f"SELECT coalesce(nullif({MODE}, ''), 'none');"},
    {"1_a.sql": SET, "2_b.sql": "SELECT current_setting('app.mode');"},
    {"1_a.sql": SET, "2_b.sql": ASKS[0].replace("app.mode", "app.other")},
    {"1_a.sql": SET, "2_b.sql": f"CREATE POLICY p ON t USING ({MODE} IS NOT NULL);"},
    {"1_a.sql": "UPDATE t SET app.mode = 'x';", "2_b.sql": "SELECT 1;"},
]


@pytest.mark.parametrize("files", SILENT)
def test_a_setting_that_is_not(inlay: Inlay, migrations: Migrations, files: Files) -> None:
    assert found(inlay, migrations(files)) == []
