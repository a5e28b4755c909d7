"""SQL as PostgreSQL reads it: words, statements, what each of them is. Knows nothing of files."""
