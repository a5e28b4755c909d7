"""From the names and heads of files to migrations. Knows no rules."""
