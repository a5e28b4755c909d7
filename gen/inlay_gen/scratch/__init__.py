"""A throw-away PostgreSQL, and a command that runs with it: `inlay scratch`. Nothing that a build
uses."""
