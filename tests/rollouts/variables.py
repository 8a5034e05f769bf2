"""What the inventory of the lab of the rollout tests sets: a compressed clock, and the wiring of two tiers."""

from __future__ import annotations

import typing as t

# The compressed clock.
CLOCK: dict[str, t.Any] = {
    "nginx_keepalive_timeout": 1,
    "nginx_close_window": 1,
    "nginx_client_header_timeout": 3,
    "nginx_client_body_timeout": 3,
    "backend_timeout": 10,
    "backend_graceful_timeout": 10,
    "backend_stop_timeout": 12,
    "backend_health_timeout": 30,
    "backend_health_successes": 1,
    "rollout_serial": [1, 2],
    "rollout_close_window": 1.0,
    "rollout_drain_timeout": 5.0,
    "rollout_healthy_deadline": 6.0,
    "rollout_min_healthy_time": 0.0,
    "rollout_health_check": {"passes": 2, "interval": 0.2, "timeout": 1},
    "rollout_monitor": {"seconds": 1.5, "min_requests": 5},
    "rotation_close_window": 1.0,
}
# What of inventories/example/group_vars/all/00_wiring.yml two tiers need.
WIRING: dict[str, t.Any] = {
    "host_address": "{{ ansible_host }}",
    "app_instance": "{{ app_name }}-{{ inventory_hostname }}",
    "app_home": "/srv/{{ app_instance }}",
    "release_name": "{{ app_name }}",
    "release_path": "{{ app_home }}",
    "release_artefact": "{{ app_artefact_dir }}/{{ app_name }}-{{ release_version }}.tar.gz",
    "release_unit": "{{ app_instance }}.service",
    "release_listen": "{{ backend_bind_address }}:{{ backend_port }}",
    "release_keep_releases": 20,
    "rollout_version": "{{ release_version }}",
    "rollout_port": "{{ app_port }}",
    "rotation_port": "{{ app_port }}",
    "backend_name": "{{ app_instance }}",
    "backend_path": "{{ app_home }}",
    "backend_instance_id": "{{ inventory_hostname }}",
    "backend_interface": "{{ app_interface }}",
    "backend_application": "{{ app_application }}",
    "backend_migrate_command": "{{ app_migrate_command }}",
    "backend_bind_address": "{{ host_address }}",
    "backend_port": "{{ app_port }}",
    "backend_threads": 16,
    "backend_forwarded_allow_ips": "{{ groups['load_balancers'] | map('extract', hostvars, 'host_address') | list }}",
    "load_balancer_upstreams": [
        {"name": "backends", "group": "backends", "port": "{{ app_port }}"},
        {
            "name": "websocket",
            "group": "backends",
            "port": "{{ app_port }}",
            "method": "ip_hash",
            "backup_servers": "omit",
        },
    ],
    "load_balancer_locations": [
        {"path": "/api/", "upstream": "backends"},
        {"path": "/ws/", "upstream": "websocket", "websocket": True, "read_timeout": "3600s"},
    ],
    "load_balancer_tls": True,
    "load_balancer_tls_redirect": False,
    "load_balancer_tls_certificate_src": "{{ lab_dir }}/tls/lab.crt",
    "load_balancer_tls_key_src": "{{ lab_dir }}/tls/lab.key",
}
