"""docs/deploying.md as a reader would use it: with its own roles, database and address."""

from __future__ import annotations

import re
from typing import Iterable

import psycopg

import pages
from harness.database import Database
from harness.server import Server
from repairs import psql

PAGE = pages.load(pages.DOCS / "deploying.md")
SH, SQL, YAML, INI = (PAGE.named(language) for language in ("sh", "sql", "yaml", "ini"))
(DOCKERFILE,) = [block.text for block in PAGE.blocks if block.language == "dockerfile"]


class Place:
    """Where the page's names lead to. Nothing is created before it is asked for."""

    def __init__(self, database: Database) -> None:
        self.server: Server = database.server
        self.database = database.name + "_app"

    def fill(self, text: str) -> str:
        """The page's text with the names and the address of this place."""
        text = re.sub(r"\bapp(?=_owner\b|_service\b)", self.database, text)
        text = re.sub(r"(?<=[ /])app(?=[\s;]|$)", self.database, text)
        return re.sub(r"@[\w.]+:5432/", f"@127.0.0.1:{self.server.port}/", text)

    @property
    def owner_url(self) -> str:
        return self.fill("postgresql://app_owner:change-me@db:5432/app")

    @property
    def service_url(self) -> str:
        return self.fill("postgresql://app_service:change-me-too@db:5432/app")

    def create(self, roles: str = SQL["roles"]) -> None:
        """Runs the page's script for superusers, or what a test made of it."""
        psql(self.server, self.fill(roles), self.server.admin_url())

    def as_superuser(self, block: str) -> None:
        psql(self.server, self.fill(block), self.server.admin_url(self.database))

    def as_owner(self, block: str) -> None:
        psql(self.server, self.fill(block), self.owner_url)

    def as_service(self, *statements: str) -> None:
        _execute(self.service_url, statements)

    def drop(self) -> None:
        drops = [f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)']
        for role in ("owner", "service"):
            drops.append(f'DROP ROLE IF EXISTS "{self.database}_{role}"')
        _execute(self.server.admin_url(), drops)


def _execute(url: str, statements: Iterable[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
