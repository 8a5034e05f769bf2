"""What the lab of the rollout tests runs on its machines: remember how they are, come back to it, make versions."""

PRISTINE = "/var/lib/rollouts-bench/nginx"

# A copy of what the roles wrote; a hold in it would come back with every reset.
REMEMBER = f"""
if grep -qE ' down|\\[(held|alone) ' /etc/nginx/upstreams.d/*.conf; then echo 'a server is held out' >&2; exit 1; fi
rm -rf {PRISTINE}
mkdir -p {PRISTINE}
cp -a /etc/nginx/. {PRISTINE}/
"""
CLONE = """
cd /srv/stub-{host}/releases
if test -e {version}/.complete; then exit; fi
rm -rf {version} unfinished
cp -a {first} unfinished
echo '{fault}' > unfinished/app/stub/fault.txt
chmod 644 unfinished/app/stub/fault.txt
sed -i 's/"{first}"/"{version}"/' unfinished/release.json unfinished/.complete
mv unfinished {version}
"""
# Always a reload: a run that was killed may have left an nginx that serves something else than its files say.
RESET_LB = """
rm -rf /var/lib/evenkeel/rollouts /run/evenkeel/closing
if ! diff -r /etc/nginx {pristine} >/dev/null; then
  find /etc/nginx -mindepth 1 -delete
  cp -a {pristine}/. /etc/nginx/
fi
systemctl reset-failed nginx 2>/dev/null || true
if systemctl is-active --quiet nginx; then systemctl reload nginx; else systemctl start nginx; fi
for _ in $(seq 50); do
  sleep 0.1
  pgrep -f 'nginx: worker process is shutting down' >/dev/null || exit 0
done
systemctl restart nginx
"""
# A release that is not there (a row has removed it) is an error of the reset, not of the next row.
RESET_BACKEND = """
unit=stub-{host}.service
home=/srv/stub-{host}
test -e "$home/releases/{version}/.complete"
# Some faults are done once, when a process starts.
touched=$(ls -d /var/lib/stub-{host}/fault.* 2>/dev/null || true)
rm -f /var/lib/stub-{host}/fault.* /var/lib/evenkeel/restart/stub-{host}
rm -f "$home/previous"
ln -sfn "releases/{version}" "$home/current.new"
mv -T "$home/current.new" "$home/current"
for release in "$home"/releases/*; do
  test -e "$release/.complete" && {staged} || test "$release" = "$home/releases/{version}" || rm -rf "$release"
done
pid=$(systemctl show -P MainPID "$unit")
if test "$touched" || test "$pid" = 0 || test "$(readlink "/proc/$pid/cwd")" != "$home/releases/{version}/app"; then
  systemctl kill --signal=KILL "$unit" 2>/dev/null || true
  systemctl reset-failed "$unit" 2>/dev/null || true
  systemctl restart "$unit"
fi
python3 - <<EOF
import sqlite3
with sqlite3.connect("/var/lib/stub-{host}/stub.sqlite", timeout=10) as connection:
    connection.execute("DELETE FROM posts")
    connection.execute("DELETE FROM migrations")
EOF
"""
