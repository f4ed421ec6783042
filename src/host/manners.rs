//! A scan that gives way: to every other program, for processor and disk.
//!
//! Called by `cli` before a look begins, while there is one thread: threads that start later have what this one has.
#![cfg_attr(
    any(target_os = "linux", windows),
    expect(unsafe_code, reason = "two calls that no safe crate has; each says why it is sound")
)]

/// Gives way from now on. What the system refuses is no fault: to give way is a courtesy.
#[cfg(unix)]
pub fn give_way() {
    // The least of all: <https://man7.org/linux/man-pages/man2/setpriority.2.html>
    let _nicest = rustix::process::setpriority_process(None, 19);
    #[cfg(target_os = "linux")]
    {
        // Of <linux/ioprio.h>: this process, the class that gets the disk when nobody else wants it.
        const WHO_PROCESS: libc::c_int = 1;
        const IDLE: libc::c_int = 3 << 13;
        // SAFETY: three numbers; nothing is written.
        let _idle = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, IDLE) };
    }
}

/// Gives way from now on. Not `PROCESS_MODE_BACKGROUND_BEGIN`, which would also keep 32 MB of memory at most in use and
/// have the rest fetched again and again.
#[cfg(windows)]
pub fn give_way() {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, IDLE_PRIORITY_CLASS, SetPriorityClass};
    // SAFETY: the pseudo handle of this process is always good, and needs no closing.
    let _idle = unsafe { SetPriorityClass(GetCurrentProcess(), IDLE_PRIORITY_CLASS) };
}
