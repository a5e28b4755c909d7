"""What the database tests stand on: a scratch PostgreSQL, compiled programs, a relay."""
