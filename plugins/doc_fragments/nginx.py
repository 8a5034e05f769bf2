# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nginx modules share in their documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and notes of every module that works on an nginx."""

    DOCUMENTATION = r"""
requirements:
  - Python 3.10 or later on the managed host.
  - nginx 1.18 or later on the managed host, on Linux.
options:
  nginx_binary:
    description: The nginx program, as a path or as a name to look for in C(PATH) and the usual C(sbin) directories.
    type: str
    default: nginx
  config_dir:
    description:
      - The directory of C(nginx.conf), for an nginx that runs with another one than it was built for.
      - Unset means what C(nginx -V) names, C(/etc/nginx) in most packages.
    type: path
  upstreams_dir:
    description:
      - The directory of the files that M(evenkeel.web.nginx_upstream) owns. nginx must include C(*.conf) of it in its
        C(http) block.
      - Unset means C(upstreams.d) beside C(nginx.conf).
    type: path
  reload_command:
    description:
      - The command that makes nginx reload, as a list, such as V([systemctl, reload, nginx]). No shell runs it.
      - Unset means a C(SIGHUP) to nginx' master process, which is what all of them come down to.
      - Whatever the command returns, the reload counts only when it is proven.
    type: list
    elements: str
  runtime_dir:
    description:
      - The directory of the closing flag and of the socket at which nginx tells which configuration it serves.
      - It must exist when nginx starts, and be empty then, so it belongs to the service. With systemd that is
        C(RuntimeDirectory=evenkeel) in a drop-in of C(nginx.service).
    type: path
    default: /run/evenkeel
  close_window:
    description:
      - Seconds for which a reload is announced, so that clients close their idle connections before it breaks them.
      - Only for an nginx before 1.27.4 of which a location tests the closing flag; a later one has
        C(keepalive_min_timeout), and needs no announcement.
      - It should be as long as clients stay idle, so not shorter than nginx' C(keepalive_timeout).
      - Where no client is connected nothing is announced.
    type: float
    default: 10
  lock_timeout:
    description: Seconds to wait while another task changes the same nginx.
    type: float
    default: 120
  reload_timeout:
    description: Seconds within which a reload must be proven.
    type: float
    default: 30
notes:
  - Every task that changes an nginx holds the same lock from the first write until the reload is proven.
    Several may run at once.
  - A task that is killed leaves notes beside C(nginx.conf). The next task of any of these modules takes back what was
    half made, and then does its own work.
  - nginx' files belong to root, so the task needs C(become).
"""

    DRAIN = r"""
options:
  drain_timeout:
    description:
      - Seconds to wait until no request is left. More than the longest request.
      - A request counts until its answer is sent. So do a WebSocket, a client that has sent half of a request, and one
        that has connected to an old worker and says nothing. Where a listener speaks HTTP/2 the wait is not shorter
        than nginx's C(client_body_timeout), unless the old workers end before.
    type: float
    default: 60
"""
