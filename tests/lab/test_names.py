"""Names and labels: two labs never share one."""

import itertools
from pathlib import Path

from tools.lab import ssh
from tools.lab.names import Names


def labs(tmp_path: Path) -> list[Names]:
    roots = [tmp_path / "one", tmp_path / "two", tmp_path / "deeper" / "one"]
    return [Names.of(root, root / ".lab" / lab) for root in roots for lab in ("site", "test-site", "molecule-nginx")]


def test_two_labs_share_no_network_container_label_or_connection(tmp_path: Path) -> None:
    for one, other in itertools.combinations(labs(tmp_path), 2):
        assert one.network != other.network
        assert one.container("lb1") != other.container("lb1")
        assert one.labels != other.labels
        assert ssh.control_dir(one) != ssh.control_dir(other)


def test_a_lab_outside_of_the_checkout_has_a_name_of_its_own(tmp_path: Path) -> None:
    inside = Names.of(tmp_path, tmp_path / ".lab" / "site")
    outside = Names.of(tmp_path, tmp_path / "elsewhere" / "site")
    assert inside.checkout == outside.checkout
    assert inside.lab != outside.lab


def test_the_same_lab_keeps_its_names_under_another_spelling(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert Names.of(tmp_path, tmp_path / ".lab" / "site") == Names.of(
        tmp_path / "link", tmp_path / "link/.lab/x/../site"
    )


def test_the_path_of_a_shared_connection_fits_into_a_socket_address(tmp_path: Path) -> None:
    longest = Names.of(tmp_path, tmp_path / ".lab" / ("molecule-" + "x" * 200))
    name, suffix = "0" * 40, ".0123456789abcdef"
    assert len(f"{ssh.control_dir(longest)}/{name}{suffix}") <= 107
