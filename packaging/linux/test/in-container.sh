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

# The collector beside it: started when it is asked for, as its own user. An upgrade starts it anew.
systemctl enable --now interdict-collector.service
data=/var/lib/interdict-collector
for second in $(seq 60); do test -s $data/first-admin-token && break; sleep 1; done
test -s $data/first-admin-token || journalctl --no-pager -u interdict-collector.service
stat -c '%a %U' $data $data/fleet.sqlite $data/first-admin-token | sort -u | tr '\n' ';' | grep -x '600 interdict-collector;700 interdict-collector;'
as_collector() { setpriv --reuid interdict-collector --regid interdict-collector --clear-groups "$@"; }
# What root would make there, the collector could not read.
if interdict-collector --data $data token list; then exit 1; fi
as_collector interdict-collector token list | grep first-admin
was=$(systemctl show -P MainPID interdict-collector.service)
dpkg -i /root/interdict-collector_*_amd64.deb
grep -F '# edited' /etc/interdict-collector/config.toml
now=$(systemctl show -P MainPID interdict-collector.service)
test "$now" != 0 && test "$now" != "$was"

# Told to it: root scans without a network, and a user without any power sends.
for second in $(seq 60); do
    interdict enrol http://127.0.0.1:8787 --secret-file $data/first-enrolment-secret && break
    sleep 1
done
stat -c '%a %U:%G' /var/lib/interdict/fleet/fleet.json | grep -x '660 root:interdict-ship'
mkdir -p /run/systemd/system/interdict-ship.service.d
cat >/run/systemd/system/interdict-ship.service.d/test.conf <<'END'
[Service]
ExecStartPre=/bin/sh /run/interdict-ship/fleet/probe.sh
END
install -m 755 /root/test/probe-ship.sh /var/lib/interdict/fleet/probe.sh
interdict schedule install --hourly -- ship --scope all
systemctl cat interdict.service | grep -F -e 'ship --quiet --scope all --later'
for unit in interdict.timer interdict-ship.path interdict-ship.timer; do
    test "$(systemctl is-active $unit)" = active
done
systemctl start interdict.service
ask() { bash /root/test/ask.sh "$1" "$(cat $data/first-admin-token)"; }
for second in $(seq 60); do
    ask hosts >/root/out/hosts.json
    grep -q '"verdict":"' /root/out/hosts.json && break
    sleep 1
done
ask 'items?name=acme' >/root/out/items.json
for second in $(seq 30); do test "$(systemctl is-active interdict-ship.service)" = inactive && break; sleep 1; done
test -z "$(ls /var/lib/interdict/fleet/spool)"
mv /var/lib/interdict/fleet/status /root/out/ship-status
mv /var/lib/interdict/fleet/probes /root/out/ship-probes
rm /var/lib/interdict/fleet/probe.sh
# Without a collector it waits, and goes with the next attempt.
systemctl stop interdict-collector.service
systemctl start interdict.service
for second in $(seq 60); do test -n "$(ls /var/lib/interdict/fleet/spool)" && break; sleep 1; done
systemctl start interdict-collector.service
sleep 1
systemctl stop interdict-ship.service
interdict spool flush --now
test -z "$(ls /var/lib/interdict/fleet/spool)"
# No more told: the scan alone is scheduled again.
interdict schedule install --hourly
for unit in interdict-ship.path interdict-ship.timer; do test "$(systemctl is-active $unit || :)" = inactive; done
dpkg -r interdict-collector
test "$(systemctl is-active interdict-collector.service || :)" = inactive
test -e $data/fleet.sqlite && test -e /etc/interdict-collector/config.toml
dpkg -P interdict-collector
test ! -e $data && test ! -e /etc/interdict-collector
if getent passwd interdict-collector; then exit 1; fi

# Removed: no timer, the configuration and the report stay. Purged: nothing.
dpkg -r interdict
test "$(systemctl is-active interdict.timer || :)" = inactive
test ! -e /etc/systemd/system/timers.target.wants/interdict.timer
test -e /etc/interdict/config.toml && test -e /var/lib/interdict/report.json
dpkg -P interdict
test ! -e /etc/interdict && test ! -e /var/lib/interdict
if getent passwd interdict-ship; then exit 1; fi
if systemctl cat interdict.service; then exit 1; fi
set +x
echo end
