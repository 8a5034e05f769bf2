# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Effects that every host needs: what the kernel refuses as a sentence, files that outlive a crash, locks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import HostError


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Turn what the kernel refuses into a sentence.

    :raises HostError: it refused something
    """
    try:
        yield
    except OSError as error:
        advice = ""
        if error.errno in (errno.EACCES, errno.EPERM) and os.geteuid() != 0:
            advice = ": the task needs become: true"
        raise HostError(f"{path}: {error.strerror}{advice}", path=path) from error


def sync(folder: str) -> None:
    """Write to the disk which files a folder has."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def locked(handle: int) -> bool:
    """Lock an open file; whether that went well: somebody else may have it. The kernel lets go when a process dies."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


__all__ = ("locked", "sync", "told")
