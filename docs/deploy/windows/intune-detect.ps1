# Intune, Windows app (Win32) > Detection rules > Custom script, run as 64-bit process: says whether this version is installed.
# Intune takes an app as found where the script writes something and ends with 0.
$wanted = [version]'0.1.0'
$key = Get-ItemProperty -Path 'HKLM:\SOFTWARE\interdict' -Name Version -ErrorAction SilentlyContinue
if ($key -and [version]$key.Version -ge $wanted) {
    Write-Output "interdict $($key.Version)"
    exit 0
}
exit 1
