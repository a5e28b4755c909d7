"""What the migrations do to a database: they are executed on a scratch server, and judged."""
