#!/usr/bin/env python3
"""Builds the package for Windows Installer: packaging/windows/msi.py VERSION FOLDER OUT

FOLDER holds interdict.wxs and the files it names. wixl makes the database; this adds the tables and rows that wixl has no
words for, and rewrites the summary information, so that the same files make the same bytes: its number (which Windows
knows a package by) is derived from the contents, its times are SOURCE_DATE_EPOCH.
Called by packaging/windows/package.sh. https://learn.microsoft.com/windows/win32/msi/database-tables
"""

import hashlib
import os
import pathlib
import re
import struct
import subprocess
import sys
import uuid

# For life: product codes and package codes are derived in it.
SPACE = uuid.UUID("9a1c7b0e-3f52-4c5b-8f0d-6b7f1d2e4a10")

# SYSTEM and administrators own and write; users may see the folder and read the configuration, but not the reports, which
# name everybody's software. P: nothing is inherited from ProgramData, where any user may make files. O: and G:, because who
# made the folder beforehand could else change its rights again.
FOLDER_RIGHTS = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)"
CONFIG_RIGHTS = "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;BU)"

# msidbComponentAttributesNeverOverwrite, beside 256 (64 bits): a configuration that is there stays.
KEEP = 128 + 256
# msidbComponentAttributesRegistryKeyPath is 4.
# RegLocator: a raw value (2) of the 64-bit registry (16); root 2 is HKEY_LOCAL_MACHINE.
RAW_64 = 2 + 16
# RemoveFile: when the component is removed; an upgrade keeps it.
ON_REMOVAL = 2
# CustomAction: sets a property.
SET_PROPERTY = 51
REMEMBERED = ["POLICY", "SCHEDULE"]
# CustomAction: starts an installed program, when the script runs, as SYSTEM (18 + 1024 + 2048); its fault is one of the installation,
# or (64) none.
RUN = 18 + 1024 + 2048
MAY_FAIL = 64
# What was said before is not done again: the schedule may have been changed since. A repair does it again.
NEW_SCHEDULE = 'SCHEDULE AND NOT REMOVE="ALL" AND (REINSTALL OR SCHEDULE<>KEPTSCHEDULE OR POLICY<>KEPTPOLICY)'
# An upgrade removes the older version too, and the schedule stays. Wine does not say that it upgrades; the registry then knows
# of the later version.
GONE = 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND KEPTVERSION=ProductVersion'


def queries(version):
    """What is added, in the SQL of Windows Installer. Its own order is told by sequence numbers; wixl's end at 6600."""
    rows = [
        # The version by which the installer tells an older program from a newer one; a versioned file has no hash.
        f"UPDATE `File` SET `Version` = '{version}.0', `Language` = '1033' WHERE `File` = 'interdict.exe'",
        "DELETE FROM `MsiFileHash` WHERE `File_` = 'interdict.exe'",
        f"UPDATE `Component` SET `Attributes` = {KEEP} WHERE `Component` = 'Data'",
        # wixl makes a plain text of what is to be expanded, which begins with #% (the table's own words).
        "UPDATE `Registry` SET `Value` = '#%%SystemRoot%\\System32\\EventCreate.exe' WHERE `Registry` = 'EventMessages'",
        # The machine's search path, and only our part of it: - takes it out again, [~] stands for what is there.
        "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, "
        "`Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)",
        "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) "
        "VALUES ('Path', '=-*PATH', '[~];[INSTALLDIR]', 'Program')",
        "CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, `LockObject` CHAR(72) NOT NULL, "
        "`Table` CHAR(32) NOT NULL, `SDDLText` CHAR(0) NOT NULL, `Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)",
        *(f"INSERT INTO `MsiLockPermissionsEx` (`MsiLockPermissionsEx`, `LockObject`, `Table`, `SDDLText`) "
          f"VALUES ('{name}', '{thing}', '{table}', '{rights}')"
          for name, thing, table, rights in (("Folder", "DATADIR", "CreateFolder", FOLDER_RIGHTS),
                                             ("Config", "config.toml", "File", CONFIG_RIGHTS))),
        # Reports, what was remembered and who the computer was to its collector go with the program. By name too: Wine, where this is
        # tested, knows no `*`.
        *(f"INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) "
          f"VALUES ('Written{at}', 'Data', '{name}', 'DATADIR', {ON_REMOVAL})"
          for at, name in enumerate(["report.json", "rulesets.toml", "rulesets.lock", "fleet-keys", "scan.lock", "scan.holder", "*"])),
        *(f"INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) "
          f"VALUES ('Told{at}', 'Data', '{name}', '{folder}', {ON_REMOVAL})"
          for at, (folder, name) in enumerate([("SPOOLDIR", "*"), ("SPOOLDIR", ""), ("FLEETDIR", "fleet.json"), ("FLEETDIR", "fleet-journal.json"),
                                               ("FLEETDIR", "fleet-base.json"), ("FLEETDIR", "fleet.lock"), ("FLEETDIR", "*"), ("FLEETDIR", "")])),
        # An upgrade removes the older version last: what both have is never gone, and a changed configuration stays.
        "UPDATE `InstallExecuteSequence` SET `Sequence` = 6650 WHERE `Action` = 'RemoveExistingProducts'",
    ]
    for action, number in (("AppSearch", 50), ("RemoveRegistryValues", 2600), ("RemoveEnvironmentStrings", 3300),
                           ("WriteRegistryValues", 5000), ("WriteEnvironmentStrings", 5200)):
        rows += sequenced(action, number)
    # Software inventories ask for the place of a program.
    rows += [
        f"INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) "
        f"VALUES ('SayLocation', {SET_PROPERTY}, 'ARPINSTALLLOCATION', '[INSTALLDIR]')",
        *sequenced("SayLocation", 1001),
    ]
    # What the administrator once said holds for repairs and upgrades too: it is read back before anything else happens.
    for at, name in enumerate(REMEMBERED, 51):
        value = name.capitalize()
        rows += [
            f"UPDATE `Component` SET `Condition` = '{name}' WHERE `Component` = '{value}'",
            f"INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('KEPT{name}', 'Kept{value}')",
            f"INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) "
            f"VALUES ('Kept{value}', 2, 'SOFTWARE\\interdict', '{value}', {RAW_64})",
            f"INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) "
            f"VALUES ('Keep{value}', {SET_PROPERTY}, '{name}', '[KEPT{name}]')",
            *sequenced(f"Keep{value}", at, f"NOT {name} AND KEPT{name}"),
        ]
    rows.append("INSERT INTO `LaunchCondition` (`Condition`, `Description`) VALUES ('Installed OR NOT SCHEDULE OR "
                "SCHEDULE=\"daily\" OR SCHEDULE=\"hourly\"', 'SCHEDULE is to be daily or hourly; for other times: interdict schedule install --cron')")
    # They become arguments of a program that runs as SYSTEM: a quotation mark would end one, and begin others.
    rows += ["INSERT INTO `Property` (`Property`, `Value`) VALUES ('Quote', '\"')",
             "INSERT INTO `LaunchCondition` (`Condition`, `Description`) VALUES ('NOT (POLICY >< Quote) AND NOT (SCHEDULE >< Quote)', "
             "'POLICY and SCHEDULE hold no quotation marks')"]
    rows += [
        "INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('KEPTVERSION', 'KeptVersion')",
        f"INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) "
        f"VALUES ('KeptVersion', 2, 'SOFTWARE\\interdict', 'Version', {RAW_64})",
    ]
    for action, kind, target, number, condition in (
            ("TakeSchedule", RUN + MAY_FAIL, "--quiet schedule remove", 1550, GONE),
            ("MakeSchedule", RUN, 'schedule install "--[SCHEDULE]" "--policies=[POLICY]"', 5300, NEW_SCHEDULE)):
        rows += [
            f"INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) "
            f"VALUES ('{action}', {kind}, 'interdict.exe', '{target}')",
            *sequenced(action, number, condition),
        ]
    secure = "WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;" + ";".join(REMEMBERED)
    rows.append(f"UPDATE `Property` SET `Value` = '{secure}' WHERE `Property` = 'SecureCustomProperties'")
    return rows


def sequenced(action, number, condition=""):
    """An action's place among the others, whether wixl put it there or not."""
    return [
        f"DELETE FROM `InstallExecuteSequence` WHERE `Action` = '{action}'",
        f"INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('{action}', '{condition}', {number})",
    ]


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{command[0]}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def guid(name):
    return str(uuid.uuid5(SPACE, name)).upper()


def rewrite_summary(path):
    """Number and times of the summary information: the property set of [MS-OLEPS] in the compound file, in place."""
    data = bytearray(path.read_bytes())
    format = uuid.UUID("f29f85e0-4ff9-1068-ab91-08002b27b3d9").bytes_le
    begins = re.compile(rb"\xfe\xff\x00\x00.{20}\x01\x00\x00\x00" + re.escape(format), re.DOTALL)
    found = [match.start() for match in begins.finditer(data)]
    if len(found) != 1:
        sys.exit(f"{path}: {len(found)} sets of summary information")
    section = found[0] + struct.unpack_from("<I", data, found[0] + 44)[0]
    count = struct.unpack_from("<I", data, section + 4)[0]
    places = dict(struct.unpack_from("<II", data, section + 8 + 8 * at) for at in range(count))
    # FILETIME: 100 nanoseconds since 1601.
    now = (int(os.environ["SOURCE_DATE_EPOCH"]) + 11644473600) * 10_000_000
    for property, kind in ((9, 30), (12, 64), (13, 64)):
        if struct.unpack_from("<I", data, section + places[property])[0] != kind:
            sys.exit(f"{path}: property {property} of the summary information is of another kind")
    for property in (12, 13):
        struct.pack_into("<Q", data, section + places[property] + 4, now)
    at = section + places[9] + 8
    number = slice(at, at + 38)
    if not re.fullmatch(rb"\{[0-9A-F-]{36}\}", data[number]):
        sys.exit(f"{path}: no package code")
    data[number] = b"0" * 38
    data[number] = b"{%s}" % guid(f"package {hashlib.sha256(data).hexdigest()}").encode()
    path.write_bytes(data)


def main(version, folder, out):
    folder, out = pathlib.Path(folder), pathlib.Path(out).resolve()
    out.unlink(missing_ok=True)
    # Versions of Windows Installer are three numbers.
    short = version.split("-")[0]
    variables = ["-D", f"Version={short}", "-D", f"ProductCode={guid(f'product {version} x64')}"]
    run("wixl", "--arch", "x64", *variables, "--output", str(out), "interdict.wxs", cwd=folder)
    for query in queries(short):
        run("msibuild", str(out), "-q", query)
    rewrite_summary(out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
