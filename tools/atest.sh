#!/usr/bin/env bash
# Run ansible-test in the built and installed artefact: tools/atest.sh sanity --local | units --venv --python 3.11
# EVENKEEL_VENV is the virtual environment whose ansible-core is meant.
# It works outside every git tree (in one it tests only what git knows) and with an empty home of its own.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${EVENKEEL_ATEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/evenkeel-atest}
work=$cache/work-$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache/home" "$work"
# Only the Python of the virtual environment and those of the system: a shim of a version manager may exit 127.
export PATH=${EVENKEEL_VENV:-$root/.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=$cache/home
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH

# ansible-test fetches a pip bootstrap script from the network; this one does the same with the pip of the package index.
pip=$(python -c '
import pathlib, re, ansible_test
text = pathlib.Path(ansible_test.__file__).with_name("_internal") / "python_requirements.py"
print(re.search(r"pip=.([\d.]+)", text.read_text())[1])')
boot=$HOME/.ansible/test/cache
script=$boot/get_pip_${pip//./_}.py
if [ ! -e "$script" ]; then
  mkdir -p "$boot"
  "$root/.venv/bin/python" -m pip download -q --disable-pip-version-check --no-deps -d "$boot" "pip==$pip"
  cat >"$work/get_pip.py" <<PYTHON
import pathlib
import sys

sys.path.insert(0, str(next(pathlib.Path("$boot").glob("pip-$pip-*.whl"))))
from pip._internal.cli.main import main

sys.exit(main(["install", *[a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]]))
PYTHON
  mv "$work/get_pip.py" "$script"
fi

cd "$work" # away from the checkout's ansible.cfg, through which the collection looks installed already
ansible-galaxy collection build --output-path "$work" "$root" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
ansible-galaxy collection install --offline --no-deps -p "$work" "$work"/*.tar.gz >"$work/install.log" 2>&1 ||
  { cat "$work/install.log"; exit 1; }
cd "$work/ansible_collections/evenkeel/web"
ansible-test "$@" 2>&1 | tee "$work/test.log"
# In an ignored folder it skips every target and still exits 0.
if grep -q 'All targets skipped' "$work/test.log"; then
  echo "ansible-test skipped every target" >&2
  exit 1
fi
