# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""How a module of this collection ends."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, TaskError


def serve(module: t.Any, run: Callable[[], dict[str, t.Any]]) -> None:
    """Run what a module does and leave as Ansible expects it.

    :param module: an AnsibleModule
    """
    try:
        result = run()
    except ConfigError as error:
        module.fail_json(msg=str(error), findings=[str(finding) for finding in error.findings])
    except TaskError as error:
        module.fail_json(msg=error.message, **error.details)
    else:
        for text in result.pop("warnings", []):
            module.warn(text)
        module.exit_json(**result)
