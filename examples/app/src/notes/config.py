"""Settings: everything comes from the environment, except the version, which the release carries."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# <release>/app/notes/config.py: resolve() goes through `current`, so this is the version that really runs.
RELEASE_FILE = Path(__file__).resolve().parents[2] / "release.json"


class ConfigError(Exception):
    """A setting has a value that cannot work."""


@dataclass(frozen=True)
class Settings:
    """The settings of one instance."""

    instance_id: str
    version: str
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_password: str = field(repr=False)
    redis_host: str
    redis_port: int
    redis_user: str
    redis_password: str = field(repr=False)
    secret_key: str = field(repr=False)
    websocket_limit: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; the defaults suit a developer's own machine."""
        env = os.environ if environ is None else environ
        return cls(
            instance_id=env.get("INSTANCE_ID") or socket.gethostname(),
            version=read_version(RELEASE_FILE),
            database_host=env.get("DATABASE_HOST", "127.0.0.1"),
            database_port=_number(env, "DATABASE_PORT", 3306, 1, 65535),
            database_name=env.get("DATABASE_NAME", "notes"),
            database_user=env.get("DATABASE_USER", "notes"),
            database_password=env.get("DATABASE_PASSWORD", ""),
            redis_host=env.get("REDIS_HOST", "127.0.0.1"),
            redis_port=_number(env, "REDIS_PORT", 6379, 1, 65535),
            redis_user=env.get("REDIS_USER", "default"),
            redis_password=env.get("REDIS_PASSWORD", ""),
            secret_key=env.get("SECRET_KEY", ""),
            websocket_limit=_number(env, "WEBSOCKET_LIMIT", 4, 0, 10000),
        )


def read_version(path: Path) -> str:
    """Return the version in release.json, or "dev" where there is none (a checkout)."""
    try:
        release = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "dev"
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return str(release.get("version", "dev"))


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ConfigError(f"{name}={text!r}: a whole number from {low} to {high} is allowed")
    return int(text)
