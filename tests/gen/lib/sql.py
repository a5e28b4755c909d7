"""Generated SQL: SOUP, anything that may be tokens, and SCRIPT, what the grammar accepts."""

from __future__ import annotations

from hypothesis import strategies as st

FRAGMENTS = """
    ' '' " "" $ $$ $a$ $b$ $1 E' e' U&' U&" B' X' N' \\' \\\\ -- /* */ ; ; ( ) [ ] : :: + - * / < >
    = ~ ! @ # % ^ & | ` ? , . .. 1 1.5 1e 1e5 a e E b_1 é atomic begin end case
    CREATE FUNCTION OR REPLACE
""".split()
SOUP = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.sampled_from([" ", "\n", "\r", "\t", "\f", " ", "\n"]),
    ),
    max_size=25,
).map("".join)

SPACE = st.sampled_from([" ", "\n", "\t", " /* ; ' */ ", " -- ; '\n", "/* a /* ; */ */", "\r\n "])
LITERAL = st.sampled_from(
    [
        "1",
        "2.5e-3",
        "'a;'",
        "'it''s;'",
        r"'\'",
        r"E'\';\\'",
        "E'a'\n'\\';'",
        "E'a' -- ;\n '\\';'",
        "U&'\\0061;'",
        "B'01'",
        "X'ff'",
        "N'é;'",
        "$$;'$$",
        "$é$;$$;$é$",
        "$1",
        "NULL",
        "date'2001-01-01'",
    ]
)
NAME = st.sampled_from(
    ["a", "a$b$", "é", '";"', '"a"";"', 'U&"\\0061;"', "t.end", 't."case"', "atomic", "begin"]
)
OPERATOR = st.sampled_from(
    ["+", "-", "*", "/", "||", "@>", "<@", "~~*", "->>", "=", "!=", "%", "?|"]
)


def joined(*parts: "str | st.SearchStrategy[str]") -> st.SearchStrategy[str]:
    """These parts with space or comments between them."""
    strategies = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    woven = [strategies[0]]
    for strategy in strategies[1:]:
        woven += [SPACE, strategy]
    return st.tuples(*woven).map("".join)


EXPRESSION = st.recursive(
    st.one_of(LITERAL, NAME),
    lambda inner: st.one_of(
        joined(inner, OPERATOR, inner),
        joined("(", inner, ")"),
        joined("CASE WHEN", inner, "THEN", inner, "END"),
        joined("CASE", inner, "WHEN", inner, "THEN", inner, "ELSE", inner, "END"),
        joined(inner, "::text"),
        joined("ARRAY[", inner, ",", inner, "]"),
        joined("(SELECT", inner, ")"),
    ),
    max_leaves=4,
)
SIMPLE = st.one_of(
    joined("SELECT", EXPRESSION),
    joined("SELECT", EXPRESSION, "AS", st.sampled_from(["end", "case", "begin", '"end"'])),
    joined("SELECT", EXPRESSION, "end"),
    joined("SELECT", "begin", "atomic"),
    joined("INSERT INTO", NAME, "VALUES (", EXPRESSION, ",", EXPRESSION, ")"),
    joined("UPDATE", "t", "SET", "a", "=", EXPRESSION),
    joined("VALUES", "(", EXPRESSION, ")"),
)
BODY = st.lists(st.one_of(SIMPLE, st.just("")), max_size=3).map(
    lambda statements: "".join(f" {s};" for s in statements)
)
ROUTINE = st.sampled_from(
    ["CREATE FUNCTION", "create /* ; */ or -- ;\n replace Function", "CREATE OR REPLACE FUNCTION"]
)
STATEMENT = st.one_of(
    SIMPLE,
    SIMPLE,
    joined(ROUTINE, "f()", "RETURNS int", "LANGUAGE sql", "BEGIN", "ATOMIC", BODY, "END"),
    joined("CREATE PROCEDURE", "begin()", "BEGIN", "ATOMIC", BODY, "END"),
    joined(ROUTINE, "f(begin int, atomic int)", "RETURNS int", "RETURN", EXPRESSION),
    joined(ROUTINE, "f()", "RETURNS int", "AS $f$ BEGIN ATOMIC; SELECT 1; $f$", "LANGUAGE sql"),
    joined("DO", "$$ BEGIN PERFORM 1; END; $$"),
    joined("CREATE RULE", "r", "AS ON INSERT TO", "t", "DO", "(", SIMPLE, ";", SIMPLE, ";", ")"),
    joined("CREATE VIEW", "v", "AS", "SELECT", EXPRESSION),
    joined("COMMENT ON TABLE", "t", "IS", st.sampled_from(["';'", "E'\\';'", "$$;$$"])),
    joined("PREPARE", "p", "AS", "SELECT", EXPRESSION),
)
SCRIPT = st.lists(st.one_of(STATEMENT, st.just("")), max_size=4).flatmap(
    lambda statements: st.tuples(*(joined(SPACE, s, ";") for s in statements), SPACE).map("".join)
)
