"""What a version of PostgreSQL added to the grammar, by the nodes that it is parsed to: a newer
grammar accepts what an older server refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

# Of the versions after the first that is supported, 13, these are in the table.
LAST = 15

_Node = dict[str, Any]


def _has(field: str, value: object = None) -> Callable[[_Node], bool]:
    return lambda node: field in node and value in (None, node[field])


def _always(_: _Node) -> bool:
    return True


def _gives_out(function: _Node) -> bool:
    modes = (p["FunctionParameter"].get("mode") for p in function.get("parameters", []))
    return "is_procedure" in function and "FUNC_PARAM_OUT" in modes


def _is_moved(reindex: _Node) -> bool:
    options = (p["DefElem"]["defname"] for p in reindex.get("params", []))
    return "tablespace" in options


def _is_unlogged(sequence: _Node) -> bool:
    return bool(sequence["sequence"].get("relpersistence") == "u")


def _sets_logged(table: _Node) -> bool:
    kinds = {command["AlterTableCmd"]["subtype"] for command in table["cmds"]}
    return table.get("objtype") == "OBJECT_SEQUENCE" and bool(
        kinds & {"AT_SetLogged", "AT_SetUnLogged"}
    )


# By the name of a node, or of the field that holds one: version, words, and what shows it.
_ADDED: dict[str, tuple[tuple[int, str, Callable[[_Node], bool]], ...]] = {
    "AlterDatabaseRefreshCollStmt": ((15, "REFRESH COLLATION VERSION of a database", _always),),
    "AlterSubscriptionStmt": (
        (14, "ADD PUBLICATION", _has("kind", "ALTER_SUBSCRIPTION_ADD_PUBLICATION")),
        (14, "DROP PUBLICATION", _has("kind", "ALTER_SUBSCRIPTION_DROP_PUBLICATION")),
    ),
    "AlterTableCmd": (
        (14, "SET COMPRESSION", _has("subtype", "AT_SetCompression")),
        (14, "DETACH PARTITION ... FINALIZE", _has("subtype", "AT_DetachPartitionFinalize")),
        (15, "SET ACCESS METHOD", _has("subtype", "AT_SetAccessMethod")),
    ),
    "AlterTableStmt": ((15, "an unlogged sequence", _sets_logged),),
    "ColumnDef": ((14, "COMPRESSION", _has("compression")),),
    "CommonTableExpr": (
        (14, "SEARCH in WITH", _has("search_clause")),
        (14, "CYCLE in WITH", _has("cycle_clause")),
    ),
    "Constraint": (
        (15, "NULLS NOT DISTINCT", _has("nulls_not_distinct")),
        (15, "a list of columns behind SET NULL or SET DEFAULT", _has("fk_del_set_cols")),
    ),
    "CreateFunctionStmt": (
        (14, "a function body in SQL without quotes", _has("sql_body")),
        (14, "an OUT parameter of a procedure", _gives_out),
    ),
    "CreateSeqStmt": ((15, "an unlogged sequence", _is_unlogged),),
    "CreateTrigStmt": ((14, "CREATE OR REPLACE TRIGGER", _has("replace")),),
    "DefElem": ((15, "security_invoker", _has("defname", "security_invoker")),),
    "GrantStmt": (
        (14, "GRANTED BY on an object", _has("grantor")),
        (15, "rights on a parameter", _has("objtype", "OBJECT_PARAMETER_ACL")),
    ),
    "IndexStmt": ((15, "NULLS NOT DISTINCT", _has("nulls_not_distinct")),),
    "JoinExpr": ((14, "an alias of JOIN ... USING", _has("join_using_alias")),),
    "MergeStmt": ((15, "MERGE", _always),),
    "PartitionCmd": ((14, "DETACH PARTITION ... CONCURRENTLY", _has("concurrent")),),
    "PublicationObjSpec": (
        (15, "TABLES IN SCHEMA", _has("pubobjtype", "PUBLICATIONOBJ_TABLES_IN_SCHEMA")),
    ),
    "ReindexStmt": ((14, "TABLESPACE of REINDEX", _is_moved),),
    "SelectStmt": ((14, "GROUP BY DISTINCT", _has("groupDistinct")),),
    "StatsElem": ((14, "statistics on an expression", _has("expr")),),
    "pubtable": (
        (15, "WHERE of a publication", _has("whereClause")),
        (15, "columns of a publication", _has("columns")),
    ),
}


def added(tree: object, target: int) -> dict[str, int]:
    """What of a parsed statement a server of the target's version refuses: words and version."""
    return {
        words: version
        for name, node in _nodes(tree)
        for version, words, shows in _ADDED.get(name, ())
        if version > target and shows(node)
    }


def _nodes(tree: object) -> Iterator[tuple[str, _Node]]:
    left = [("", tree)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            yield name, value
            left += value.items()
        elif isinstance(value, list):
            left += (("", item) for item in value)


def unchecked(grammar: int, target: int) -> str:
    """What is not found, in words, where the target is older than the grammar."""
    parts = []
    if target < LAST:
        last = min(LAST, grammar)
        parts.append(
            f"of what PostgreSQL {_span(target + 1, last)} added only the syntax is checked"
        )
    if grammar > LAST:
        parts.append(
            f"what PostgreSQL {_span(max(LAST, target) + 1, grammar)} added is not checked"
        )
    return f"--target-version={target}: {', and '.join(parts)}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
