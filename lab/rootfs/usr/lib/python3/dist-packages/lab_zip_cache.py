"""Keeps what Python compiles from a zip: Ansible sends each module as one, and half of a module's time is compiling it.

A file's content decides, so nothing that is kept is ever wrong; where nothing can be kept, Python compiles as ever.
"""

import _blake2
import marshal
import os
import sys
import zipimport

FOLDER = f"/run/lab-zip-cache/{sys.implementation.cache_tag}"
compile_source = zipimport._compile_source


def kept(path, source):
    """Return the code of a source, compiled at most once."""
    place = f"{FOLDER}/{_blake2.blake2b(source, digest_size=16).hexdigest()}"
    try:
        with open(place, "rb") as file:
            return marshal.loads(file.read())
    except OSError:
        code = compile_source(path, source)
        keep(place, code)
        return code


def keep(place, code):
    """Write a code as a whole or not at all."""
    unfinished = f"{place}.{os.getpid()}"
    try:
        os.makedirs(FOLDER, exist_ok=True)
        with open(unfinished, "wb") as file:
            file.write(marshal.dumps(code))
        os.rename(unfinished, place)
    except OSError:
        return


zipimport._compile_source = kept
