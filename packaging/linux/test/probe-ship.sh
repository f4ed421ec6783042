#!/bin/sh
# Run inside of the unit that sends by packaging/linux/test.py: what is open from there, and what is not.
cd /run/interdict-ship/fleet || exit 1
cat /proc/self/status >status
probe() { if "$2" "$3" >/dev/null 2>&1; then echo "$1:open"; else echo "$1:closed"; fi; }
{
    probe report cat /var/lib/interdict/report.json
    probe spool touch spool/probe
    probe etc touch /etc/probe
} >probes
rm -f spool/probe
