"""The commands of the lab: python -m tools.lab COMMAND (the Makefile and lab/*.yml call them)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tools.lab import engine, image, network, plan
from tools.lab.state import default_lab_dir


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__)
    result.add_argument("--lab-dir", type=Path, default=default_lab_dir(), help="folder with the state of the lab")
    commands = result.add_subparsers(dest="command", required=True)
    commands.add_parser("image", help="print the tag of the image, built if missing").add_argument("suite")
    prepare = commands.add_parser("prepare", help="network, addresses, ports and keys, as JSON")
    prepare.add_argument("--machines", type=json.loads, required=True, help="list of names, JSON")
    prepare.add_argument("--publish", type=json.loads, default={}, help="{machine: {port inside: port}}, JSON")
    commands.add_parser("trust", help="remember host keys").add_argument("keys", type=json.loads)
    commands.add_parser("prune", help="remove other machines").add_argument("keep", type=json.loads)
    commands.add_parser("destroy", help="remove all machines and the network")
    return result


def run(arguments: argparse.Namespace) -> str:
    """Run a command and return what it prints."""
    lab = plan.Lab.of(arguments.lab_dir)
    match arguments.command:
        case "image":
            return image.ensure(arguments.suite)
        case "prepare":
            return json.dumps(plan.prepare(lab, arguments.machines, arguments.publish))
        case "trust":
            plan.trust(lab, arguments.keys)
        case "prune":
            return json.dumps(plan.prune(lab, arguments.keep))
        case "destroy":
            plan.destroy(lab)
    return ""


def main() -> int:
    """Run the command line; an error that the user can act on is one line."""
    try:
        text = run(parser().parse_args())
    except (engine.EngineError, image.ImageError, network.NoFreeSubnetError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    if text:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
