"""What a rehearsal says that a migration did, in short words."""

from __future__ import annotations

import json
from typing import Any

from harness.program import Program

KEEP = ("--rehearse=keep", "--yes")


def effects(program: Program, *options: str) -> dict[str, dict[str, Any]]:
    """The migrations of the document, by version, or by name where they have none."""
    result = program.run(*(options or KEEP), "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    return {step["version"] or step["name"]: step for step in document["migrations"]}


def short(step: dict[str, Any]) -> list[str]:
    """ "1 lock orders ACCESS EXCLUSIVE", "1 scan orders 5000", "2 dropped column orders.total":
    a line each, by statement. Those of the schema public are named without it."""
    lines = []
    for statement in step["statements"]:
        number = statement["number"]
        for lock in statement["locks"]:
            lines.append(f"{number} lock {lock['relation']} {lock['mode']}")
        for rewrite in statement["rewrites"]:
            lines.append(f"{number} rewrite {rewrite['relation']}")
        for scan in statement["scans"]:
            lines.append(f"{number} scan {scan['relation']} {scan['rows_read']}")
        for rows in statement["rows"]:
            counts = "/".join(str(rows[key]) for key in ("inserted", "updated", "deleted"))
            lines.append(f"{number} rows {rows['relation']} {counts}")
    for change in step["changes"]:
        said = f"{change['statement']} {change['change']} {change['kind']} {change['object']}"
        if change["to"]:
            said += f" {change['to']}"
        if change["change"] in ("created", "replaced") and not change["valid"]:
            said += " invalid"
        if change["change"] == "not-null" and not change["default"]:
            said += " without default"
        lines.append(said)
    return [line.replace("public.", "") for line in lines]
