"""Leaves in apt's lists what the machines install and all that it needs: python3 -m lab_apt_lists PACKAGE...

Each task of apt reads whatever they hold. The next `apt-get update` fetches them whole, for whoever wants more.
"""

import os
import re
import sys
from pathlib import Path

LISTS = Path("/var/lib/apt/lists")
STATUS = Path("/var/lib/dpkg/status")
FIELD = re.compile(r"^(Package|Depends|Pre-Depends|Provides): (.*)$", re.MULTILINE)
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
# Older than whatever a mirror has, so that it never answers that nothing has changed.
OLD = 946684800


def stanzas(text):
    """Return the descriptions of packages: the text and the fields of each."""
    return [(part, dict(FIELD.findall(part))) for part in text.split("\n\n") if part.strip()]


def names(relation):
    """Return the packages of a relation; of alternatives, each."""
    found = (NAME.match(part.strip()) for part in re.split("[,|]", relation))
    return [match[0] for match in found if match]


def closure(known, wanted):
    """Return the names of what is wanted, of what that needs, and of what provides it."""
    needs, providers = {}, {}
    for _text, fields in known:
        name = fields["Package"]
        needs.setdefault(name, []).extend(names(fields.get("Depends", "")) + names(fields.get("Pre-Depends", "")))
        for virtual in names(fields.get("Provides", "")):
            providers.setdefault(virtual, []).append(name)
    found, left = set(), list(wanted)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += needs.get(name, []) + providers.get(name, [])
    return found


def forget_packages(release):
    """Return a release file that knows no list of packages, so that an update fetches each."""
    return re.sub(r"^ .*/Packages\b.*\n", "", release, flags=re.MULTILINE)


def main(wanted):
    """Write the lists anew."""
    lists = {path: stanzas(path.read_text(encoding="utf-8")) for path in LISTS.glob("*_Packages")}
    if not lists:
        sys.exit(f"{LISTS} holds no list of packages that can be read")
    installed = [fields["Package"] for _text, fields in stanzas(STATUS.read_text(encoding="utf-8"))]
    kept = closure([stanza for known in lists.values() for stanza in known], [*installed, *wanted])
    for path, known in lists.items():
        path.write_text("".join(f"{text.strip()}\n\n" for text, fields in known if fields["Package"] in kept))
    for path in LISTS.glob("*Release"):
        path.write_text(forget_packages(path.read_text(encoding="utf-8")))
    # What apt makes of them is of files of this time, and mmdebstrap sets back what is younger than its start.
    for path in (STATUS, *LISTS.glob("*_Packages"), *LISTS.glob("*Release")):
        os.utime(path, (OLD, OLD))


if __name__ == "__main__":
    main(sys.argv[1:])
