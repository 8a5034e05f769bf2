"""The commands of the lab: python -m tools.lab COMMAND (the Makefile and lab/*.yml call them)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tools.lab import engine, image, network, plan, setup, up
from tools.lab.state import default_lab_dir


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__)
    result.add_argument("--lab-dir", type=Path, default=default_lab_dir(), help="folder with the state of the lab")
    commands = result.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="everything").add_argument("--inventory", default="inventories/local")
    commands.add_parser("status", help="show machines and URLs")
    commands.add_parser("ssh", help="open a shell on a machine").add_argument("machine")
    commands.add_parser("clean", help="remove all labs of this checkout, unused images and .lab")
    commands.add_parser("image", help="print the tag of the image of the lab's suite, built if missing")
    prepare = commands.add_parser("prepare", help="network, addresses, ports and keys, as JSON")
    prepare.add_argument("--machines", type=json.loads, required=True, help="list of names, JSON")
    prepare.add_argument("--publish", type=json.loads, default={}, help="{machine: {port inside: port}}, JSON")
    commands.add_parser("trust", help="remember host keys").add_argument("keys", type=json.loads)
    commands.add_parser("prune", help="remove other machines").add_argument("keep", type=json.loads)
    commands.add_parser("destroy", help="remove all machines and the network")
    return result


def build_image(lab: plan.Lab) -> str:
    """Return the image of the lab's suite, built if missing."""
    return image.ensure(plan.suite(lab, os.environ.get("SUITE", "")))


def prepare(lab: plan.Lab, arguments: argparse.Namespace) -> str:
    """Return what starting the machines takes, as JSON."""
    setup.ensure_engine()
    setup.ensure_kernel_limits()
    return json.dumps(plan.prepare(lab, build_image(lab), arguments.machines, arguments.publish))


def run(arguments: argparse.Namespace) -> str:
    """Run a command and return what it prints."""
    lab = plan.Lab.of(arguments.lab_dir)
    commands: dict[str, Callable[[], str | None]] = {
        "up": lambda: up.up(lab, arguments.inventory),
        "status": lambda: up.status(lab),
        "ssh": lambda: up.shell(lab, arguments.machine),
        "clean": setup.clean,
        "image": lambda: build_image(lab),
        "prepare": lambda: prepare(lab, arguments),
        "trust": lambda: plan.trust(lab, arguments.keys),
        "prune": lambda: json.dumps(plan.prune(lab, arguments.keep)),
        "destroy": lambda: plan.destroy(lab),
    }
    return commands[arguments.command]() or ""


def main() -> int:
    """Run the command line; an error that the user can act on is one line."""
    try:
        text = run(parser().parse_args())
    except (engine.EngineError, image.ImageError, network.NoFreeSubnetError, up.StepError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    if text:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
