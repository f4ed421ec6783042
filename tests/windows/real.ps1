# What a person runs on a real Windows, for no Windows is at hand where interdict is built (docs/unverified.md).
#   powershell -ExecutionPolicy Bypass -File tests\windows\real.ps1 [-Exe path\to\interdict.exe]
# Reads only; writes a report into the temporary folder. Run it as administrator, and again as a plain user.
param([string]$Exe = ".\interdict.exe")
Set-StrictMode -Version 2
$ErrorActionPreference = "Stop"
$failed = 0
function Check([string]$what, [bool]$holds, [string]$more = "") {
    if ($holds) { Write-Host "ok    $what" } else { Write-Host "FAULT $what  $more"; $script:failed++ }
}
function Missing($expected, $found) { @($expected | Where-Object { $_ -and ($found -notcontains $_) }) }

$identity = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
$admin = $identity.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
Write-Host "as administrator: $admin; $([Environment]::OSVersion.VersionString)"

$report = Join-Path $env:TEMP "interdict-real-$([char]0xE4)$([char]0x416).json"
$clock = [Diagnostics.Stopwatch]::StartNew()
& $Exe inventory --format json --output $report
$code = $LASTEXITCODE
$clock.Stop()
Check "an inventory ends with 0 or 3" (($code -eq 0) -or ($code -eq 3)) "it was $code"
Write-Host "      $($clock.ElapsedMilliseconds) ms"
$inventory = Get-Content -Raw -Encoding UTF8 $report | ConvertFrom-Json
foreach ($source in $inventory.coverage.sources) {
    Write-Host ("      {0,-20} {1,-15} {2,7} records {3,6} ms" -f $source.source, $source.status, $source.records, $source.elapsed_ms)
    foreach ($gap in $source.gaps) { Write-Host "        $($gap.reason) x$($gap.count): $($gap.detail) $($gap.places[0])" }
}
$failedSources = @($inventory.coverage.sources | Where-Object { $_.status -eq "failed" } | ForEach-Object { $_.source })
Check "no source failed" ($failedSources.Count -eq 0) ($failedSources -join ", ")

function Names([string]$kind, [string]$source) {
    @($inventory.items | Where-Object { $_.kind -eq $kind -and (@($_.sightings | Where-Object { $_.source -eq $source }).Count -gt 0) } |
        ForEach-Object { $_.name })
}
$keys = "HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\*",
        "HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*",
        "HKCU:\Software\Microsoft\Windows\CurrentVersion\Uninstall\*"
$programs = @(Get-ItemProperty $keys -ErrorAction SilentlyContinue |
    ForEach-Object { if ($_.PSObject.Properties["DisplayName"]) { "$($_.DisplayName)".Trim() } })
$missing = Missing $programs (Names "package" "uninstall-keys")
Check "every program of the Uninstall keys ($($programs.Count))" ($missing.Count -eq 0) ($missing -join "; ")

$services = @(Get-CimInstance Win32_Service | ForEach-Object { $_.Name })
$missing = Missing $services (Names "service" "services")
Check "every service ($($services.Count))" ($missing.Count -eq 0) ($missing -join "; ")

$tasks = @(Get-ScheduledTask -ErrorAction SilentlyContinue | Where-Object { $_.Actions | Where-Object { $_.PSObject.Properties["Execute"] } } | ForEach-Object { $_.TaskName })
$missing = Missing $tasks (Names "autostart" "scheduled-tasks")
Check "every scheduled task with a program ($($tasks.Count))" ($missing.Count -eq 0) ($missing -join "; ")

$packages = @(Get-AppxPackage -ErrorAction SilentlyContinue | ForEach-Object { $_.Name })
$missing = Missing $packages (Names "package" "appx")
Check "every MSIX package of this user ($($packages.Count))" ($missing.Count -eq 0) ($missing -join "; ")

$roots = @(Get-ChildItem Cert:\LocalMachine\Root | ForEach-Object { $_.Thumbprint })
$thumbs = @($inventory.items | Where-Object { $_.kind -eq "certificate" } | ForEach-Object { $_.identifiers } |
    Where-Object { $_.type -eq "thumbprint" } | ForEach-Object { $_.value })
$missing = Missing $roots $thumbs
Check "every root certificate ($($roots.Count))" ($missing.Count -eq 0) ($missing -join "; ")

if ($admin) {
    $profiles = @(Get-CimInstance Win32_UserProfile | ForEach-Object { $_.SID })
    $seen = @($inventory.host.users | ForEach-Object { if ($_.PSObject.Properties["sid"]) { $_.sid } })
    $missing = Missing $profiles $seen
    Check "every profile ($($profiles.Count))" ($missing.Count -eq 0) ($missing -join "; ")
}

$running = @(Get-Process -Id $PID).Path
$paths = @($inventory.items | ForEach-Object { $_.sightings } | Where-Object { $_.source -eq "processes" } | ForEach-Object { $_.image.path })
Check "this PowerShell is among the processes" ($paths -contains $running) $running

$disk = & $Exe rules explain "$env:SystemRoot\System32\drivers\disk.sys" 2>&1 | Out-String
Check "a driver of Windows can be explained" ($LASTEXITCODE -eq 0) $disk

& $Exe scan --quiet | Out-Null
$code = $LASTEXITCODE
Check "a scan ends with 0, 1 or 3" (@(0, 1, 3) -contains $code) "it was $code"
cmd /v:on /c "`"$Exe`" scan --nonsense >nul 2>nul & exit /b !errorlevel!"
Check "a wrong argument ends with 2, seen by cmd.exe as by Task Scheduler" ($LASTEXITCODE -eq 2) "it was $LASTEXITCODE"

Write-Host ""
Write-Host "Look at the next lines: umlauts, Cyrillic and lines of tables must be right, in cmd.exe, PowerShell 5 and 7."
& $Exe sources
& $Exe rules search kaspersky
Remove-Item $report
if ($failed -gt 0) { Write-Host "$failed fault(s)"; exit 1 }
Write-Host "all checks hold"
