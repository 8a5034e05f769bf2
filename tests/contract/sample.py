"""A small repository that keeps every rule; tests break one thing in a copy of it."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "galaxy.yml": """
namespace: evenkeel
name: web
dependencies: {community.mysql: ">=3.0.0"}
build_ignore: [site.yml]
""",
    "requirements.yml": """
collections:
  - name: community.mysql
""",
    "site.yml": """
- name: Run the collection's playbook of this name
  ansible.builtin.import_playbook: evenkeel.web.site
""",
    "Makefile": """
up: ## Machines and site
\t@tools/up
""",
    "README.md": """
Type `make up` or [read on](docs/page.md).

    ansible-playbook -v site.yml
    tools/up
""",
    "docs/page.md": "A page.\n",
    "tools/up": "#!/bin/sh\n",
    "playbooks/site.yml": """
- name: Apply the role
  hosts: all
  gather_facts: false
  become: true
  serial: 1
  roles:
    - role: evenkeel.web.tiny

- name: Restart
  hosts: all
  tasks:
    - name: Restart
      ansible.builtin.import_role:
        name: evenkeel.web.tiny
        tasks_from: restart
""",
    "plugins/module_utils/_tiny/plan.py": "from dataclasses import dataclass\n",
    "plugins/module_utils/_tiny/host.py": "import os\n",
    "molecule/tiny/molecule.yml": "{}\n",
    "molecule/bad_input/rows/tiny.yml": """
- title: Port of zero
  roles: [tiny]
  vars: {tiny_port: 0}
  says: [tiny_port]
""",
    "roles/tiny/README.md": "A role.\n",
    "roles/tiny/defaults/main.yml": """
tiny_port: 80
tiny_names: []
tiny_wait: 5
tiny_hook: ''
""",
    "roles/tiny/vars/main.yml": """
__tiny_path: "/etc/tiny/{{ tiny_port }}"
""",
    "roles/tiny/meta/main.yml": """
dependencies: []
""",
    "roles/tiny/meta/argument_specs.yml": """
argument_specs:
  main:
    options:
      tiny_port: {type: int, default: 80}
      tiny_names: {type: list, elements: str, default: []}
      tiny_password: {type: str, required: true, no_log: true}
  restart:
    options:
      tiny_wait: {type: int, default: 5}
      tiny_hook: {type: str, default: ''}
""",
    "roles/tiny/tasks/main.yml": """
- name: Check the input
  ansible.builtin.import_tasks: preflight.yml
  tags: [always]

- name: Configure
  ansible.builtin.import_tasks: configure.yml
  tags: [tiny, tiny_configure]
""",
    "roles/tiny/tasks/preflight.yml": """
- name: Refuse variables that no option of this role has
  evenkeel.web.known_variables:

- name: Check the port
  ansible.builtin.assert:
    that: tiny_port > 0
""",
    "roles/tiny/tasks/configure.yml": """
- name: Make the database
  community.mysql.mysql_db:
    name: "{{ item }}"
    login_password: "{{ tiny_password }}"
  loop: "{{ tiny_names }}"
  register: __tiny_database
  notify: Restart tiny

- name: Write the file
  ansible.builtin.template:
    src: tiny.conf.j2
    dest: "{{ __tiny_path }}"
    mode: '0644'
""",
    "roles/tiny/tasks/restart.yml": """
- name: Wait
  ansible.builtin.wait_for:
    timeout: "{{ tiny_wait }}"

- name: Run what the user has named
  ansible.builtin.include_tasks: "{{ tiny_hook }}"
""",
    "roles/tiny/handlers/main.yml": """
- name: Restart tiny
  ansible.builtin.service:
    name: tiny
    state: restarted
""",
    "roles/tiny/templates/tiny.conf.j2": "{% for name in tiny_names %}{{ name }}{% endfor %}\n",
    "roles/tiny_more/README.md": "A role with a longer name.\n",
    "roles/tiny_more/defaults/main.yml": "tiny_more_port: 1\n",
    "roles/tiny_more/meta/main.yml": "dependencies: []\n",
    "roles/tiny_more/meta/argument_specs.yml": """
argument_specs:
  main:
    options:
      tiny_more_port: {type: int, default: 1}
""",
    "roles/tiny_more/tasks/main.yml": """
- name: Check the input
  ansible.builtin.import_tasks: preflight.yml
  tags: [always]
""",
    "roles/tiny_more/tasks/preflight.yml": """
- name: Refuse variables that no option of this role has
  evenkeel.web.known_variables:

- name: Check the port
  ansible.builtin.assert:
    that:
      - tiny_more_port > 0
""",
    "molecule/tiny_pair/molecule.yml": """
provisioner: {inventory: {group_vars: {test_hosts: {
  molecule_roles: [tiny, tiny_more]}}}}
""",
    "molecule/bad_input/rows/tiny_more.yml": """
- title: Port of zero
  roles: [tiny_more]
  vars: {tiny_more_port: 0}
  says: [tiny_more_port]
""",
}


def write(root: Path) -> Path:
    """Write the sample into an empty folder."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
