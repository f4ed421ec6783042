//! A program that ends although the kernel holds one of its threads.
//!
//! Called by `cli` around a look at a host. A thread in a call that the kernel does not interrupt (a dead disk, a file system
//! in user space that took a request and never answers it) outlives even `kill -9`, and a process is not over before its last
//! thread is: whoever waits for it, a shell, systemd, cron, would wait as long. So the look runs in a second process, and
//! the first, which they wait for, ends when the second says what it came to.
//!
//! The second is a fork, made while there is one thread: no program is started.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "fork(2), and no rustix has it; it says why it is sound")
)]

#[cfg(target_os = "linux")]
pub use linux::guarded;

/// Runs the work; what it came to. Other systems end a process by other rules (`docs/unverified.md`).
#[cfg(not(target_os = "linux"))]
pub fn guarded(work: impl FnOnce() -> u8) -> u8 {
    work()
}

#[cfg(target_os = "linux")]
mod linux {
    //! The same on Linux.

    use std::fs::OpenOptions;
    use std::io::{Write as _, stderr, stdout};
    use std::os::fd::OwnedFd;
    use std::thread::sleep;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, waitpid};

    /// How often, and how often at most, it is looked whether the second process is over, once it has said what it came to.
    const LOOKS: (Duration, u32) = (Duration::from_micros(100), 2_000);

    /// Runs the work in a second process; what it came to. To be called while this process has one thread. Where no second
    /// process can be made, the work runs in this one.
    pub fn guarded(work: impl FnOnce() -> u8) -> u8 {
        let Ok((home, out)) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC) else {
            return work();
        };
        let first = getpid();
        // SAFETY: there is one thread, so that nothing is held by one that the copy has not.
        let second = unsafe { libc::fork() };
        if second == 0 {
            drop(home);
            // Who ends the first by whatever signal means the look.
            let _ends_with = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            if getppid() != Some(first) {
                leave(&out, 2);
            }
            let code = work();
            leave(&out, code);
        }
        match Pid::from_raw(second).filter(|_| second > 0) {
            Some(second) => {
                drop(out);
                wait(&home, second)
            }
            None => work(),
        }
    }

    /// Says what the work came to and ends. The streams are let go first: who reads them waits for their end too.
    #[expect(clippy::exit, reason = "this is the end of the second process")]
    fn leave(out: &OwnedFd, code: u8) -> ! {
        let _flushed = (stdout().flush(), stderr().flush());
        if let Ok(nothing) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            let _let_go = (
                rustix::stdio::dup2_stdin(&nothing),
                rustix::stdio::dup2_stdout(&nothing),
                rustix::stdio::dup2_stderr(&nothing),
            );
        }
        let _told = rustix::io::write(out, &[code]);
        std::process::exit(i32::from(code))
    }

    fn wait(home: &OwnedFd, second: Pid) -> u8 {
        let mut code = [0];
        if rustix::io::retry_on_intr(|| rustix::io::read(home, &mut code)) != Ok(1) {
            // It ended without a word: by a panic, or by a signal.
            let ended = rustix::io::retry_on_intr(|| waitpid(Some(second), WaitOptions::empty()));
            return ended.ok().flatten().map_or(2, |(_, status)| died(status));
        }
        for _ in 0..LOOKS.1 {
            match waitpid(Some(second), WaitOptions::NOHANG) {
                Ok(None) => sleep(LOOKS.0),
                _ => break,
            }
        }
        let [code] = code;
        code
    }

    /// As a shell has it: 128 and the number of the signal.
    fn died(status: WaitStatus) -> u8 {
        let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(2)
    }
}
