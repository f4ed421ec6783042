# Intune, Devices > Compliance > Scripts, run as SYSTEM in a 64-bit process: what the last report says, as one line of JSON.
# The rules that judge it: intune-compliance.json. No report, or one that cannot be read, is never compliant.
$answer = @{ InterdictVerdict = 'no report'; InterdictReportAgeHours = 999999; InterdictFindings = 0 }
$report = Join-Path $env:ProgramData 'interdict\report.json'
try {
    $read = Get-Content -LiteralPath $report -Raw -Encoding UTF8 -ErrorAction Stop | ConvertFrom-Json
    $written = (Get-Item -LiteralPath $report).LastWriteTimeUtc
    $answer.InterdictReportAgeHours = [int][math]::Floor(((Get-Date).ToUniversalTime() - $written).TotalHours)
    $answer.InterdictVerdict = [string]$read.verdict
    $answer.InterdictFindings = @($read.findings).Count
} catch {
    $answer.InterdictVerdict = 'unreadable report'
}
return $answer | ConvertTo-Json -Compress
