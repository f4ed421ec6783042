#!/bin/sh
# What packaging/linux/test.py does in its container, under that one's systemd. Results go to /root/out.
set -ex
mkdir -p /root/out
exec >/root/out/steps 2>&1

# What a scan is to see: software in a home, another user's process, a module of the kernel.
useradd --create-home --shell /bin/bash alice
install -d -o alice -m 700 /home/alice/.local/share/applications
printf '[Desktop Entry]\nType=Application\nName=acme-of-alice\nExec=/home/alice/acme-running 600\n' \
    >/home/alice/.local/share/applications/acme-of-alice.desktop
install -o alice -m 700 /usr/bin/sleep /home/alice/acme-running
chown -R alice /home/alice
setpriv --reuid alice --regid alice --clear-groups /home/alice/acme-running 600 &
running=$!
mkdir -p /usr/lib/modules/0.0-test/extra
printf '\177ELF' >/usr/lib/modules/0.0-test/extra/acme_driver.ko

# The unit as it is, but with the inventory in its report, and with a look at its walls from inside.
mkdir -p /run/systemd/system/interdict.service.d
cat >/run/systemd/system/interdict.service.d/test.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/bin/interdict scan --quiet --with-inventory --format json --output /var/lib/interdict/report.json
ExecStartPost=/bin/sh /root/test/probe.sh
END
systemctl daemon-reload
systemctl start interdict.service
systemctl show -p ExecMainStatus -p Result interdict.service
test "$(systemctl show -P Result interdict.service)" = success
stat -c '%a %U' /var/lib/interdict | grep -x '700 root'
stat -c '%a %U' /var/lib/interdict/report.json | grep -x '600 root'
cp /var/lib/interdict/report.json /root/out/confined.json
mv /var/lib/interdict/status /var/lib/interdict/probes /root/out/
interdict scan --quiet --with-inventory --format json --output /root/out/free.json || test $? = 3
kill "$running"

# The unit as it is shipped, then the timer.
rm -r /run/systemd/system/interdict.service.d
systemctl daemon-reload
systemctl start interdict.service
grep -q '"verdict"' /var/lib/interdict/report.json
systemctl enable --now interdict.timer
test "$(systemctl is-active interdict.timer)" = active
systemctl list-timers --no-pager interdict.timer

# A schedule of our own lies over the package's, and taken away it leaves what was before.
interdict schedule install --cron '* * * * *' -- scan --policy us-commerce
systemctl cat interdict.timer | grep -F 'OnCalendar=*-*-* *:'
systemctl cat interdict.service | grep -F -e '--policy us-commerce'
interdict schedule install --cron '* * * * *' -- scan --policy us-commerce 2>&1 | grep unchanged
test "$(systemctl is-active interdict.timer)" = active
interdict schedule status --format json | grep -F '"enabled": true'
interdict schedule status
: >/root/out/before-the-timer
for second in $(seq 150); do
    test /var/lib/interdict/report.json -nt /root/out/before-the-timer && break
    sleep 1
done
test /var/lib/interdict/report.json -nt /root/out/before-the-timer
interdict doctor | grep -F 'schedule'
interdict schedule remove
if systemctl cat interdict.timer interdict.service | grep schedule.conf; then exit 1; fi
test ! -e /etc/systemd/system/interdict.timer.d && test ! -e /etc/systemd/system/interdict.service.d
test "$(systemctl is-active interdict.timer)" = active
test "$(systemctl is-enabled interdict.timer)" = enabled
interdict schedule install --hourly

# Removed: no timer, the configuration and the report stay. Purged: nothing.
dpkg -r interdict
test "$(systemctl is-active interdict.timer || :)" = inactive
test ! -e /etc/systemd/system/timers.target.wants/interdict.timer
test -e /etc/interdict/config.toml && test -e /var/lib/interdict/report.json
dpkg -P interdict
test ! -e /etc/interdict && test ! -e /var/lib/interdict
if systemctl cat interdict.service; then exit 1; fi
set +x
echo end
