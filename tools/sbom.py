#!/usr/bin/env python3
"""An SPDX 2.3 bill of materials of a static server, as JSON on stdout.

usage: sbom.py SERVER COMPILER [RUNNER]

libpq and OpenSSL say their own version; libevent and the C library have theirs in a header. RUNNER
runs a server that is for another machine. The time is SOURCE_DATE_EPOCH, else that of the newest
commit, so that a server that is built again has the same document.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Sequence

TOP = Path(__file__).resolve().parents[1]

# Of the parts whose licences ./dev artifact collects: the licence, and where they come from.
PARTS = {
    "libpq": ("PostgreSQL", "https://www.postgresql.org/"),
    "OpenSSL": ("Apache-2.0", "https://www.openssl.org/"),
    "libevent": ("BSD-3-Clause", "https://libevent.org/"),
    "glibc": ("LGPL-2.1-or-later", "https://www.gnu.org/software/libc/"),
}


def said_by(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, cwd=TOP).stdout.strip()


def defined(compiler: Sequence[str], header: str, *names: str) -> str:
    """What macros stand for, joined by points."""
    source = f"#include <{header}>\n" + "".join(f"@ {name}\n" for name in names)
    command = [*compiler, "-E", "-P", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return ".".join(re.findall(r"^@ \"?([^\"\n]+)", done.stdout, re.M))


def versions(server: Path, compiler: Sequence[str], runner: Sequence[str]) -> dict[str, str]:
    linked = said_by(*runner, server, "--migrate-version")
    found = re.search(r"^linked +inlay ([\d.]+), libpq ([\d.]+), OpenSSL (\S+)", linked, re.M)
    assert found is not None, linked
    inlay, libpq, openssl = found.groups()
    libevent = defined(compiler, "event2/event-config.h", "EVENT__VERSION")
    glibc = defined(compiler, "features.h", "__GLIBC__", "__GLIBC_MINOR__")
    return {
        "inlay": inlay,
        "libpq": libpq,
        "OpenSSL": openssl,
        "libevent": libevent,
        "glibc": glibc,
    }


def created() -> str:
    epoch = (
        os.environ.get("SOURCE_DATE_EPOCH") or said_by("git", "log", "-1", "--format=%ct") or "0"
    )
    return datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def package(name: str, version: str, licence: str, home: str, **more: Any) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-{name}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": home,
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        **more,
    }


def document(server: Path, compiler: Sequence[str], runner: Sequence[str]) -> dict[str, Any]:
    found = versions(server, compiler, runner)
    digest = hashlib.sha256(server.read_bytes()).hexdigest()
    checksum = [{"algorithm": "SHA256", "checksumValue": digest}]
    licences = " AND ".join(["MIT", *(licence for licence, _ in PARTS.values())])
    whole = package("server", found["inlay"], licences, "NOASSERTION", checksums=checksum)
    parts = [package("inlay", found["inlay"], "MIT", "NOASSERTION")]
    parts += [package(name, found[name], *PARTS[name]) for name in PARTS]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", whole["SPDXID"])]
    relations += [(whole["SPDXID"], "STATIC_LINK", part["SPDXID"]) for part in parts]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"server-{found['inlay']}",
        "documentNamespace": f"urn:inlay:spdx:{digest}",
        "creationInfo": {"created": created(), "creators": ["Tool: inlay-sbom"]},
        "packages": [whole, *parts],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }


if __name__ == "__main__":
    server, compiler = Path(sys.argv[1]).resolve(), shlex.split(sys.argv[2])
    print(json.dumps(document(server, compiler, sys.argv[3:]), indent=2))
