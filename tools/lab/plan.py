"""What a lab needs before its machines start: network, addresses, ports, keys. Run again, it changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from tools.lab import disks, engine, image, network, ssh
from tools.lab.names import RECIPE_LABEL, Names, short_hash
from tools.lab.state import ROOT, locked, read_json, write_json, write_text

RECIPE = ROOT / "lab" / "create.yml"
ATTEMPTS = 8
LOOPBACK = ("127.0.0.1", "::1")
CERTIFIED = 32
WANTED_PORTS = {"80": 8080, "443": 8443}
OVERLAP = ("overlaps", "non-overlapping", "already exists", "already allocated")


@dataclass(frozen=True)
class Lab:
    """One lab: where its state lives and what it owns in Docker."""

    folder: Path
    names: Names

    @classmethod
    def of(cls, folder: Path, root: Path = ROOT) -> Lab:
        """Return the lab whose state lives in a folder."""
        return cls(folder.absolute(), Names.of(root, folder))

    @property
    def lock(self) -> Path:
        """Return the file that one command at a time holds."""
        return self.folder / "lock"

    def read(self, name: str) -> dict[str, Any]:
        """Return the content of one of the state files."""
        return read_json(self.folder / f"{name}.json")

    def write(self, name: str, content: object) -> None:
        """Write one of the state files."""
        write_json(self.folder / f"{name}.json", content)


def network_options(names: Names, subnet: IPv4Network, subnet6: IPv6Network) -> list[str]:
    """Return the options of `docker network create`."""
    labels = [part for key, value in names.labels.items() for part in ("--label", f"{key}={value}")]
    return ["--driver", "bridge", "--ipv6", "--subnet", str(subnet), "--subnet", str(subnet6), *labels, names.network]


def ensure_network(lab: Lab) -> tuple[IPv4Network, IPv6Network]:
    """Return the subnets of the lab's network, which is created with free ones if it is not there."""
    known = lab.read("network")
    refused: list[IPv4Network] = []
    for _ in range(ATTEMPTS):
        existing = engine.inspect_network(lab.names.network)
        if existing is not None:
            return _remember(lab, engine.subnets_of(existing))
        used = network.parse_networks(engine.used_subnets())
        wanted = network.parse_networks([known.get("subnet", "")])
        free = [subnet for subnet in wanted if not any(subnet.overlaps(other) for other in [*used, *refused])]
        subnet = free[0] if free else network.choose_subnet(lab.names.network, [*used, *refused])
        try:
            engine.docker("network", "create", *network_options(lab.names, subnet, _ula(lab, subnet)))
        except engine.EngineError as error:
            if not any(word in str(error) for word in OVERLAP):
                raise
            refused.append(subnet)
    message = f"{ATTEMPTS} subnets in a row were taken by others: {', '.join(map(str, refused))}"
    raise engine.EngineError(message)


def _ula(lab: Lab, subnet: IPv4Network) -> IPv6Network:
    return network.ula_subnet(lab.names.network, subnet)


def _remember(lab: Lab, subnets: Sequence[str]) -> tuple[IPv4Network, IPv6Network]:
    subnet, subnet6 = network.parse_networks(subnets)[0], next(IPv6Network(text) for text in subnets if ":" in text)
    lab.write("network", {"name": lab.names.network, "subnet": str(subnet), "subnet6": str(subnet6)})
    return subnet, subnet6


def port_is_free(port: int) -> bool:
    """Say whether a port of 127.0.0.1 can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(lab: Lab, wanted: Mapping[str, int], published: Mapping[str, int]) -> dict[str, int]:
    """Keep what the lab's containers publish, then what was remembered, else take the next free ports."""
    ports: dict[str, int] = {}
    for inside, port in wanted.items():
        if inside in published:
            ports[inside] = published[inside]
            continue
        remembered = lab.read("ports").get(inside, port)
        ports[inside] = network.choose_port(
            remembered, lambda candidate: port_is_free(candidate) and candidate not in ports.values()
        )
    return ports


def published_ports(lab: Lab, machine: str) -> dict[str, int]:
    """Return the ports that a machine's container publishes on 127.0.0.1, by the port inside."""
    name = lab.names.container(machine)
    if name not in engine.containers(lab.names.labels, running=True):
        return {}
    lines = [line.split(" -> ") for line in engine.docker("port", name).splitlines() if " -> 127.0.0.1:" in line]
    return {inside.split("/")[0]: int(outside.rsplit(":", 1)[1]) for inside, outside in lines}


def certificate_names(subnet: IPv4Network) -> list[str]:
    """Return what the lab's certificate is for: this machine, and the addresses that the first machines get."""
    machines = list(subnet.hosts())[network.FIRST_HOST - 1 :][:CERTIFIED]
    return ["DNS:localhost", "DNS:*.lab.test", *(f"IP:{address}" for address in (*LOOPBACK, *machines))]


def machine_labels(lab: Lab) -> dict[str, str]:
    """Return the labels of a machine; the recipe's says that it was made as machines are made now."""
    return lab.names.labels | {RECIPE_LABEL: short_hash(RECIPE.read_text())}


def ready(lab: Lab, tag: str, wanted: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Return the machines that run the image, are trusted and publish what is wanted: they need nothing."""
    prefix = lab.names.container("")
    running = [name.removeprefix(prefix) for name in engine.containers(machine_labels(lab), running=True, image=tag)]
    path = lab.folder / "ssh" / "known_hosts"
    trusted = {line.split(" ", 1)[0] for line in path.read_text().splitlines()} if path.exists() else set()
    known = [name for name in running if lab.read("addresses").get(name) in trusted]
    return {name for name in known if wanted.get(name, {}).keys() <= published_ports(lab, name).keys()}


def make_disks(lab: Lab, tag: str, machines: Sequence[str]) -> None:
    """Make the disks of the machines that are not there, or are there as machines are not made any more."""
    there = set(engine.containers(machine_labels(lab), image=tag))
    new = {lab.names.container(name): name for name in machines if lab.names.container(name) not in there}
    if new:
        engine.remove_containers([name for name in engine.containers(lab.names.labels) if name in new])
        disks.make(lab.names, tag, list(new.values()))


def prepare(lab: Lab, tag: str, machines: Sequence[str], publish: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Prepare the lab for these machines and return what starting them takes."""
    with locked(lab.lock):
        subnet, subnet6 = ensure_network(lab)
        addresses = network.assign_addresses(subnet, machines, lab.read("addresses"))
        addresses6 = {name: network.address6(subnet6, address) for name, address in addresses.items()}
        ports = {name: choose_ports(lab, wanted, published_ports(lab, name)) for name, wanted in publish.items()}
        lab.write("addresses", addresses)
        lab.write("addresses6", addresses6)
        lab.write("machines", {"names": sorted(machines)})
        if ports:
            lab.write("ports", {inside: port for chosen in ports.values() for inside, port in chosen.items()})
        ssh.configure(lab.folder, lab.names, addresses)
        (lab.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        untouched = ready(lab, tag, publish)
        own_disks = disks.wanted()
        if own_disks:
            make_disks(lab, tag, machines)
    return {
        "image": tag,
        "folder": str(lab.folder),
        "certified": (lab.folder / "tls" / "lab.crt").exists(),
        "certificate_names": certificate_names(subnet),
        "network": lab.names.network,
        "labels": machine_labels(lab),
        "cgroup": engine.cgroup_folder(),
        "public_key": (lab.folder / "ssh" / "id_ed25519.pub").read_text().strip(),
        "machines": {
            name: {
                "ready": name in untouched,
                "container": lab.names.container(name),
                "address": addresses[name],
                "address6": addresses6[name],
                "disks": disks.mounts(lab.names, name) if own_disks else [],
                "publish": [f"127.0.0.1:{port}:{inside}" for inside, port in ports.get(name, {}).items()],
            }
            for name in machines
        },
    }


def trust(lab: Lab, keys: Mapping[str, str]) -> None:
    """Remember the host keys that machines reported when they started."""
    with locked(lab.lock):
        path = lab.folder / "ssh" / "known_hosts"
        current, addresses = path.read_text() if path.exists() else "", lab.read("addresses")
        merged = ssh.merge_known_hosts(current, addresses, keys)
        if ssh.contradicts(current, merged):
            ssh.close_connections(lab.names)
        write_text(path, merged, 0o600)
        ssh.configure(lab.folder, lab.names, addresses)


def prune(lab: Lab, keep: Iterable[str]) -> list[str]:
    """Remove the machines of the lab that are not to be kept, and forget them; return the removed ones."""
    with locked(lab.lock):
        keep = set(keep)
        prefix = lab.names.container("")
        gone = [name for name in engine.containers(lab.names.labels) if name.removeprefix(prefix) not in keep]
        if gone:
            ssh.close_connections(lab.names)
        engine.remove_containers(gone)
        disks.remove(lab.names, [name.removeprefix(prefix) for name in gone])
        addresses = {name: address for name, address in lab.read("addresses").items() if name in keep}
        lab.write("addresses", addresses)
        lab.write("addresses6", {name: address for name, address in lab.read("addresses6").items() if name in keep})
        ssh.configure(lab.folder, lab.names, addresses)
    return [name.removeprefix(prefix) for name in gone]


def suite(lab: Lab, wanted: str) -> str:
    """Return the suite of the lab's machines: the wanted one, else the one they have, else the current stable."""
    with locked(lab.lock):
        chosen = wanted or lab.read("suite").get("suite", image.SUITES[0])
        image.tag(chosen)
        lab.write("suite", {"suite": chosen})
    return chosen


def destroy(lab: Lab) -> None:
    """Remove what the lab owns in Docker and its connections; its folder keeps keys, secrets and choices."""
    with locked(lab.lock):
        ssh.close_connections(lab.names)
        engine.remove_containers(engine.containers(lab.names.labels))
        engine.remove_volumes(engine.volumes(lab.names.labels))
        engine.remove_networks(engine.networks(lab.names.labels))
        for name in ("addresses.json", "addresses6.json", "ssh/known_hosts"):
            (lab.folder / name).unlink(missing_ok=True)
