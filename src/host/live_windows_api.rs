//! The calls of Windows that have no safe name elsewhere, each as a function that is safe: keys of the registry, drives,
//! rights of this process, processes.
//!
//! Called by the other files of the running Windows. Must not decide anything. Every function that is named here is in
//! Windows 7 (`tests/windows/imports.txt`).
#![expect(unsafe_code, reason = "the system's own functions; each call says why it is sound")]

use std::io;
use std::mem::size_of;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_SUCCESS, FILETIME, HANDLE, INVALID_HANDLE_VALUE,
    LUID,
};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, DACL_SECURITY_INFORMATION, GetFileSecurityW, GetTokenInformation,
    LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, OWNER_SECURITY_INFORMATION, SE_PRIVILEGE_ENABLED,
    SetFileSecurityW, TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TokenElevation, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::GetDriveTypeW;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_ENUMERATE_SUB_KEYS, KEY_QUERY_VALUE, KEY_WOW64_64KEY,
    RegCloseKey, RegEnumKeyExW, RegEnumValueW, RegOpenKeyExW, RegQueryInfoKeyW, RegQueryValueExW,
};
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessTimes, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};

/// Bytes of one value: Windows itself advises to keep more than 2 KB in files.
const MAX_VALUE: u32 = 16 << 20;
/// What nearly every value fits in.
const USUAL_VALUE: usize = 1024;
/// Units of a key's name, and of a value's, with the NUL
/// (<https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits>).
const KEY_NAME: usize = 256;
const VALUE_NAME: usize = 16_384;
/// A value that grows whenever its size was asked is given up.
const TRIES: usize = 8;
/// Units of a path, with the NUL: the longest that Windows has.
const LONG_PATH: usize = 32_768;
/// `DRIVE_FIXED` of `GetDriveTypeW`.
const DRIVE_FIXED: u32 = 3;

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn done(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

fn length(units: usize) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The beginning of a buffer that a function filled, as far as it says.
fn filled<T: Copy>(buffer: &[T], length: u32) -> Vec<T> {
    usize::try_from(length).ok().and_then(|length| buffer.get(..length)).unwrap_or(buffer).to_vec()
}

/// Name, type and bytes of a value.
type NamedValue = (Vec<u16>, u32, Vec<u8>);

/// A key that stands without being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// `HKLM`.
    LocalMachine,
    /// `HKU`.
    Users,
}

impl Root {
    /// Its short name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LocalMachine => "HKLM",
            Self::Users => "HKU",
        }
    }
}

/// An open key, for reading alone, in the view of 64-bit programs.
pub(super) struct KeyHandle(HKEY);

impl KeyHandle {
    /// Opens a key.
    pub(super) fn open(root: Root, path: &str) -> io::Result<Self> {
        let root = match root {
            Root::LocalMachine => HKEY_LOCAL_MACHINE,
            Root::Users => HKEY_USERS,
        };
        Self::open_at(root, path.encode_utf16().collect())
    }

    /// Opens a key below, by the units of its path.
    pub(super) fn open_below(&self, path: &[u16]) -> io::Result<Self> {
        Self::open_at(self.0, path.to_vec())
    }

    fn open_at(parent: HKEY, mut path: Vec<u16>) -> io::Result<Self> {
        path.push(0);
        let access = KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS | KEY_WOW64_64KEY;
        let mut key = null_mut();
        // SAFETY: `parent` is open or predefined, `path` ends in a NUL, `key` is written on success only.
        done(unsafe { RegOpenKeyExW(parent, path.as_ptr(), 0, access, &raw mut key) })?;
        Ok(Self(key))
    }

    /// When it was last written, as a FILETIME.
    pub(super) fn last_write(&self) -> io::Result<u64> {
        let mut time = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
        // SAFETY: the key is open; every other part may be null, and is.
        done(unsafe {
            RegQueryInfoKeyW(
                self.0,
                null_mut(),
                null_mut(),
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut time,
            )
        })?;
        Ok(ticks(time))
    }

    /// The name of the key below of this index; `None` past the last.
    pub(super) fn name_at(&self, index: u32) -> io::Result<Option<Vec<u16>>> {
        let mut name = [0_u16; KEY_NAME];
        let mut units = length(name.len());
        // SAFETY: `units` is how many units `name` has room for; the rest may be null.
        let code = unsafe {
            RegEnumKeyExW(
                self.0,
                index,
                name.as_mut_ptr(),
                &raw mut units,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        if code == ERROR_NO_MORE_ITEMS {
            return Ok(None);
        }
        done(code)?;
        Ok(Some(filled(&name, units)))
    }

    /// Type and bytes of a value.
    pub(super) fn value(&self, name: &str) -> io::Result<(u32, Vec<u8>)> {
        let name = wide(name);
        let mut data = vec![0; USUAL_VALUE];
        for _ in 0..TRIES {
            let (mut kind, mut bytes) = (0, length(data.len()));
            // SAFETY: `name` ends in a NUL; `bytes` is how many bytes `data` has room for.
            let code = unsafe {
                RegQueryValueExW(
                    self.0,
                    name.as_ptr(),
                    null(),
                    &raw mut kind,
                    data.as_mut_ptr(),
                    &raw mut bytes,
                )
            };
            match code {
                ERROR_SUCCESS => return Ok((kind, filled(&data, bytes))),
                ERROR_MORE_DATA => data = room(bytes)?,
                code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
            }
        }
        Err(io::Error::other("the value changes all the time"))
    }

    /// Name, type and bytes of the value of this index; `None` past the last.
    pub(super) fn value_at(&self, index: u32) -> io::Result<Option<NamedValue>> {
        let mut name = vec![0_u16; KEY_NAME];
        let mut data = vec![0; USUAL_VALUE];
        for _ in 0..TRIES {
            let (mut units, mut kind, mut bytes) = (length(name.len()), 0, length(data.len()));
            // SAFETY: `units` and `bytes` are how much `name` and `data` have room for.
            let code = unsafe {
                RegEnumValueW(
                    self.0,
                    index,
                    name.as_mut_ptr(),
                    &raw mut units,
                    null(),
                    &raw mut kind,
                    data.as_mut_ptr(),
                    &raw mut bytes,
                )
            };
            match code {
                ERROR_NO_MORE_ITEMS => return Ok(None),
                ERROR_SUCCESS => return Ok(Some((filled(&name, units), kind, filled(&data, bytes)))),
                // Which of the two was short is not said.
                ERROR_MORE_DATA => {
                    name.resize(VALUE_NAME, 0);
                    data = room(bytes)?;
                }
                code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
            }
        }
        Err(io::Error::other("the value changes all the time"))
    }
}

/// A buffer for so many bytes of a value.
fn room(bytes: u32) -> io::Result<Vec<u8>> {
    if bytes > MAX_VALUE {
        let text = format!("a value of {bytes} bytes, the limit is {MAX_VALUE}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(vec![0; usize::try_from(bytes).unwrap_or_default().max(USUAL_VALUE)])
}

impl Drop for KeyHandle {
    fn drop(&mut self) {
        // SAFETY: opened by us, closed once.
        let _closed = unsafe { RegCloseKey(self.0) };
    }
}

fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

/// Whether there is a drive of this letter that is part of the computer.
pub(super) fn is_fixed_drive(letter: char) -> bool {
    let root = wide(&format!(r"{letter}:\"));
    // SAFETY: `root` ends in a NUL.
    unsafe { GetDriveTypeW(root.as_ptr()) == DRIVE_FIXED }
}

/// The folder of Windows, whatever this process' environment says.
pub(super) fn windows_folder() -> String {
    let mut buffer = vec![0_u16; LONG_PATH];
    // SAFETY: the length is the buffer's.
    let units = unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), length(buffer.len())) };
    if units > length(buffer.len()) {
        String::new()
    } else {
        String::from_utf16_lossy(&filled(&buffer, units))
    }
}

/// A handle that is closed when it is dropped.
struct Handle(HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: opened by us, closed once.
        let _closed = unsafe { CloseHandle(self.0) };
    }
}

/// The token of a process.
fn token(process: HANDLE, access: u32) -> Option<Handle> {
    let mut token = null_mut();
    // SAFETY: `process` is open; `token` is written on success only.
    let opened = unsafe { OpenProcessToken(process, access, &raw mut token) } != 0;
    opened.then_some(Handle(token))
}

fn own_token(access: u32) -> Option<Handle> {
    // SAFETY: the pseudo handle of this process is always good, and needs no closing.
    token(unsafe { GetCurrentProcess() }, access)
}

/// Whether this process runs with an administrator's rights.
pub(super) fn is_elevated() -> bool {
    let Some(token) = own_token(TOKEN_QUERY) else { return false };
    let mut elevation = TOKEN_ELEVATION { TokenIsElevated: 0 };
    let (size, mut written) = (length(size_of::<TOKEN_ELEVATION>()), 0);
    let place = (&raw mut elevation).cast();
    // SAFETY: `place` has `size` bytes, of the type that this kind of information has.
    let told = unsafe { GetTokenInformation(token.0, TokenElevation, place, size, &raw mut written) } != 0;
    told && elevation.TokenIsElevated != 0
}

/// The security identifier of a token's user, as bytes.
fn user(token: &Handle) -> Option<Vec<u8>> {
    // A pointer, attributes, and the identifier of 68 bytes at most (SECURITY_MAX_SID_SIZE).
    let mut buffer = [0_u64; 16];
    let (size, mut written) = (length(size_of_val(&buffer)), 0);
    // SAFETY: the buffer has `size` bytes and lies as a TOKEN_USER must.
    let told = unsafe {
        GetTokenInformation(token.0, TokenUser, buffer.as_mut_ptr().cast(), size, &raw mut written)
    };
    // The identifier lies behind the TOKEN_USER, in the same buffer: what it points to need not be followed.
    let bytes: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).collect();
    (told != 0).then(|| filled(&bytes, written).get(16..).unwrap_or_default().to_vec())
}

/// The security identifier of this process' user, as bytes.
pub fn own_user() -> Option<Vec<u8>> {
    user(&own_token(TOKEN_QUERY)?)
}

/// Bytes of memory that this process alone has, in use or put aside.
pub(super) fn committed() -> Option<u64> {
    let size = length(size_of::<PROCESS_MEMORY_COUNTERS>());
    let mut counters = PROCESS_MEMORY_COUNTERS { cb: size, ..PROCESS_MEMORY_COUNTERS::default() };
    // SAFETY: the pseudo handle of this process is always good; `counters` is as long as is said.
    let told = unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counters, size) } != 0;
    told.then(|| u64::try_from(counters.PagefileUsage).ok())?
}

/// The security descriptor of a file or folder, self-relative: its owner and its list of rights.
pub fn rights(path: &Path) -> io::Result<Vec<u8>> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let asked = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut buffer = vec![0_u8; USUAL_VALUE];
    // It may grow between two calls.
    for _ in 0..4 {
        let (size, mut needed) = (length(buffer.len()), 0);
        let place = buffer.as_mut_ptr().cast();
        // SAFETY: `name` ends with NUL; `place` has `size` bytes.
        if unsafe { GetFileSecurityW(name.as_ptr(), asked, place, size, &raw mut needed) } != 0 {
            return Ok(buffer);
        }
        if needed <= size || needed > MAX_VALUE {
            return Err(io::Error::last_os_error());
        }
        buffer.resize(needed as usize, 0);
    }
    Err(io::ErrorKind::Interrupted.into())
}

/// Gives a file the rights of a security descriptor in one piece.
pub(super) fn set_rights(path: &Path, descriptor: &[u8]) -> io::Result<()> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY: `name` ends with NUL; the descriptor is whole, holds its own offsets, and is only read.
    let done = unsafe {
        SetFileSecurityW(name.as_ptr(), DACL_SECURITY_INFORMATION, descriptor.as_ptr().cast_mut().cast())
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Turns on the right to back up, where this process holds it: files open whatever their owner allows.
pub(super) fn enable_backup() {
    let Some(token) = own_token(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY) else { return };
    let name = wide("SeBackupPrivilege");
    let mut luid = LUID { LowPart: 0, HighPart: 0 };
    // SAFETY: `name` ends in a NUL; a null system is this one.
    if unsafe { LookupPrivilegeValueW(null(), name.as_ptr(), &raw mut luid) } == 0 {
        return;
    }
    let one = [LUID_AND_ATTRIBUTES { Luid: luid, Attributes: SE_PRIVILEGE_ENABLED }];
    let wanted = TOKEN_PRIVILEGES { PrivilegeCount: 1, Privileges: one };
    // SAFETY: one privilege is announced and there; the former state is not asked for. One that is not held is no fault.
    let _adjusted =
        unsafe { AdjustTokenPrivileges(token.0, 0, &raw const wanted, 0, null_mut(), null_mut()) };
}

/// A process in the system's list.
pub(super) struct Listed {
    /// Process id.
    pub(super) pid: u32,
    /// Who started it; its own process may have ended.
    pub(super) parent: u32,
    /// Name of its program file, or the name that the kernel gave it.
    pub(super) name: String,
}

/// Every process, as the system lists them to everybody.
pub(super) fn processes() -> io::Result<Vec<Listed>> {
    // SAFETY: no parts but values.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    let snapshot = Handle(snapshot);
    let mut entry =
        PROCESSENTRY32W { dwSize: length(size_of::<PROCESSENTRY32W>()), ..PROCESSENTRY32W::default() };
    let mut listed = Vec::new();
    // SAFETY: `entry` says its size.
    let mut more = unsafe { Process32FirstW(snapshot.0, &raw mut entry) } != 0;
    while more {
        let name: Vec<u16> = entry.szExeFile.iter().copied().take_while(|unit| *unit != 0).collect();
        let name = String::from_utf16_lossy(&name);
        listed.push(Listed { pid: entry.th32ProcessID, parent: entry.th32ParentProcessID, name });
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.0, &raw mut entry) } != 0;
    }
    Ok(listed)
}

/// A process that may be asked what everybody may know of it, also one that is protected (antivirus programs are).
pub(super) struct ProcessHandle(Handle);

impl ProcessHandle {
    /// Opens a process.
    pub(super) fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: no parts but values.
        let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
        if process.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(Handle(process))) }
    }

    /// Its program file, as Windows names it.
    pub(super) fn image(&self) -> io::Result<Vec<u16>> {
        let mut buffer = vec![0_u16; LONG_PATH];
        let mut units = length(buffer.len());
        // SAFETY: `units` is how many units the buffer has room for.
        let told =
            unsafe { QueryFullProcessImageNameW(self.0.0, 0, buffer.as_mut_ptr(), &raw mut units) } != 0;
        if told { Ok(filled(&buffer, units)) } else { Err(io::Error::last_os_error()) }
    }

    /// When it started, as a FILETIME.
    pub(super) fn started(&self) -> Option<u64> {
        let none = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
        let (mut created, mut ended, mut kernel, mut user) = (none, none, none, none);
        // SAFETY: each part is a FILETIME of its own.
        let told = unsafe {
            GetProcessTimes(self.0.0, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
        } != 0;
        told.then(|| ticks(created))
    }

    /// The security identifier of its user, as bytes; only of processes that let us.
    pub(super) fn owner(&self) -> Option<Vec<u8>> {
        user(&token(self.0.0, TOKEN_QUERY)?)
    }
}
