#!/bin/sh
# Jamf Pro, Settings > Computer management > Extension attributes, type script: the verdict of the last scan, for smart groups.
report="/Library/Application Support/interdict/report.json"
if [ ! -f "$report" ]; then
    echo "<result>no report</result>"
    exit
fi
if [ -n "$(find "$report" -mtime +3)" ]; then
    echo "<result>stale</result>"
    exit
fi
verdict=$(plutil -extract verdict raw -o - "$report" 2>/dev/null) || verdict=unreadable
echo "<result>$verdict</result>"
