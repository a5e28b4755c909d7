"""Writes what bash and zsh complete after `inlay`, from the table of its commands and options. Run
by the build: complete.py MODULES BASH ZSH."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_BASH = """\
# Completes the commands and options of inlay. Written by complete.py.
_inlay_offer() {{
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$current")
}}

_inlay() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}} at=$COMP_CWORD
    COMPREPLY=()
{body}}}

# Where nothing is offered, files are.
complete -o default -F _inlay inlay
"""

_ZSH = """\
#compdef inlay
# Completes the commands and options of inlay. Written by complete.py.
_inlay_offer() {{
    compadd -- "$@"
}}

_inlay() {{
    local current=${{words[CURRENT]}} previous=${{words[CURRENT-1]}}
    local command=${{words[2]}} at=$((CURRENT - 1))
{body}    _files
}}

_inlay "$@"
"""

_BODY = """\
    if ((at == 1)); then
        _inlay_offer {commands}
        return
    fi
    case "$command $previous" in
{values}    esac
    case "$command $current" in
{options}    esac
"""


def _case(pattern: str, words: list[str]) -> str:
    return f"    {pattern})\n        _inlay_offer {' '.join(words)}\n        return\n        ;;\n"


def body(parser: argparse.ArgumentParser) -> str:
    """The same in both shells."""
    commands: dict[str, Any] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands = dict(action.choices)
    values = options = ""
    for name, command in commands.items():
        flags = [a for a in command._actions if a.option_strings]
        for flag in flags:
            if flag.choices:
                values += _case(f"'{name} {flag.option_strings[-1]}'", list(flag.choices))
        options += _case(f"'{name} -'*", [flag.option_strings[-1] for flag in flags])
    first = [*commands, *(a.option_strings[-1] for a in parser._actions if a.option_strings)]
    return _BODY.format(commands=" ".join(first), values=values, options=options)


def main(modules: str, bash: str, zsh: str) -> int:
    sys.path.insert(0, modules)
    sys.dont_write_bytecode = True
    from inlay_gen.main import command_line

    text = body(command_line())
    Path(bash).write_text(_BASH.format(body=text), encoding="utf-8")
    Path(zsh).write_text(_ZSH.format(body=text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
