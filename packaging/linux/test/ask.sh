#!/bin/bash
# A question to the collector of this computer, where there is no curl: ask.sh PATH TOKEN
exec 9<>/dev/tcp/127.0.0.1/8787
printf 'GET /api/v1/%s HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' "$1" "$2" >&9
sed '1,/^\r*$/d' <&9
