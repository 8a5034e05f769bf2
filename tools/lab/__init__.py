"""The lab: machines for the site and for every test, made as systemd containers."""
