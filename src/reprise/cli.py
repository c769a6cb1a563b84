"""``reprise COMMAND``: everything that is not a stage of the pipeline."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from reprise.commands import COMMANDS, command_module, printable
from reprise.errors import RepriseError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after ``reprise``; None takes those of this process.

    Returns:
        The exit status: 0, 1 after printing what is wrong and what to do about it, or 130
        when it was stopped by hand. Wrong arguments end the process with status 2.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(words).parse_args(words)
    try:
        status = command_module(options.command).run(options)
        sys.stdout.flush()
    except RepriseError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("stopped by hand.\n  To fix: run the command again.", status=130)
    except BrokenPipeError:
        # The reader of a pipe has seen enough. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno is None:
            raise
        return _failed(
            f"{error.strerror} ({error.filename or 'while reading or writing'}).\n  To fix: "
            "free disk space or correct the path and its permissions, then run the command again."
        )
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """All commands with their one line; the arguments of the one that is called."""
    wide = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{wide}}  {line}" for name, line in COMMANDS.items())
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="reprise",
        usage="reprise [-h] COMMAND ...",
        description="Reprise: reproducible vision-model training. dvc repro runs the pipeline;\n"
        "these commands are what is not a stage of it.",
        epilog=f"commands:\n{listing}\n\nreprise COMMAND --help says more about one of them.",
        formatter_class=plain,
    )
    commands = parser.add_subparsers(
        dest="command",
        prog="reprise",
        metavar="COMMAND",
        help=argparse.SUPPRESS,
        required=True,
    )
    called = next((word for word in words if not word.startswith("-")), None)
    for name in COMMANDS:
        command = commands.add_parser(name, formatter_class=plain)
        if name == called:
            command_module(name).add_arguments(command)
    return parser


def _failed(message: str, status: int = 1) -> int:
    print(f"ERROR: {printable(message)}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
