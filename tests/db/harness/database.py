"""A fresh database with an ordinary owner, and other roles beside it."""

from __future__ import annotations

import itertools
import os
import secrets
from typing import Any, Iterable

import psycopg

from .server import Server

_numbers = itertools.count(1)

# What a question of a test is asked under: a session lives on for a moment after its client.
HELPER = "test helper"


def _helper(url: str, encoding: str | None = None) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True, application_name=HELPER, client_encoding=encoding)


class Database:
    """One database; `role` is no superuser and owns the schema `public`."""

    def __init__(self, server: Server, encoding: str = "UTF8") -> None:
        self.server = server
        self.name = f"test_{os.getpid()}_{next(_numbers)}"
        self._passwords: dict[str, str] = {}
        self.admin_url = server.admin_url(self.name)
        self.role = f"{self.name}_owner"
        create = f'CREATE DATABASE "{self.name}" ENCODING {encoding} TEMPLATE template0'
        self._run(server.admin_url(), [self._new_role(self.role, "LOGIN"), create])
        self.admin(
            f'GRANT CREATE ON DATABASE "{self.name}" TO "{self.role}"',
            f'ALTER SCHEMA public OWNER TO "{self.role}"',
            # As it is from PostgreSQL 15 on.
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        )

    @property
    def url(self) -> str:
        """For the ordinary role, through the socket."""
        return self.url_for(self.role)

    @property
    def tcp_url(self) -> str:
        """For the ordinary role, through 127.0.0.1, where the password is asked."""
        return self.url_for(self.role, host="127.0.0.1")

    def url_for(self, role: str, host: str = "", **parameters: str) -> str:
        password = self._passwords.get(role)
        return self.server.url(role, self.name, host=host, password=password, **parameters)

    @property
    def passwords(self) -> list[str]:
        """What no program may ever show."""
        return [*self._passwords.values(), self.server.password]

    def add_role(self, suffix: str, options: str = "LOGIN") -> str:
        """Creates a role, which ends with the database; returns its name."""
        role = f"{self.name}_{suffix}"
        self._run(self.server.admin_url(), [self._new_role(role, options)])
        return role

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query gives, as the administrator, who sees everything."""
        # A database that is SQL_ASCII does not say what its bytes are.
        with _helper(self.admin_url, "utf8") as connection:
            return connection.execute(query, parameters or None).fetchall()

    def value(self, query: str, *parameters: Any) -> Any:
        """The only value of the only row of a query."""
        ((value,),) = self.rows(query, *parameters)
        return value

    def execute(self, *statements: str) -> None:
        """Runs statements as the ordinary role, each in a transaction of its own."""
        self._run(self.url, statements)

    def admin(self, *statements: str) -> None:
        """Runs statements as the administrator, each in a transaction of its own."""
        self._run(self.admin_url, statements)

    def connect(self, role: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """A connection of the test's own, for the ordinary role unless another is named."""
        return psycopg.connect(self.url_for(role or self.role), **options)

    def drop(self) -> None:
        statements = [f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)']
        statements += [f'DROP ROLE IF EXISTS "{role}"' for role in self._passwords]
        self._run(self.server.admin_url(), statements)

    def _new_role(self, role: str, options: str) -> str:
        self._passwords[role] = "pw" + secrets.token_hex(8)
        return f"CREATE ROLE \"{role}\" PASSWORD '{self._passwords[role]}' {options}"

    def _run(self, url: str, statements: Iterable[str]) -> None:
        with _helper(url) as connection:
            for statement in statements:
                connection.execute(statement)
