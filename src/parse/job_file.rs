//! `.job` files: tasks of Task Scheduler 1.0 in `C:\Windows\Tasks`. Format: [MS-TSCH] 2.4.
//!
//! Called by the source `scheduled-tasks`. Arguments may hold secrets: they are passed over. Must not
//! know where the file lies.

use crate::parse::bytes::Order;
use crate::parse::bytes::array;
use crate::parse::bytes::le32;
use crate::parse::filetime;
use crate::parse::utf16;

/// Length of the fixed part, `FIXDLEN_DATA`.
const FIXED: usize = 68;
/// `TASK_FLAG_DISABLED`
const DISABLED: u32 = 4;

/// What a `.job` file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// The program as written; never its arguments.
    pub application: String,
    /// Folder that it starts in.
    pub folder: Option<String>,
    /// Who made the task.
    pub author: Option<String>,
    /// What it is for.
    pub comment: Option<String>,
    /// It does not run.
    pub disabled: bool,
    /// Unix seconds when it last ran; its clock was that of the host's own zone, read here as UTC.
    pub last_run: Option<i64>,
}

/// Reads a `.job` file; the error is a sentence part.
pub fn job(bytes: &[u8]) -> Result<Job, &'static str> {
    let word = |at: usize| Order::Little.u16(bytes, at);
    let (Some(fixed), Some(version)) = (bytes.get(..FIXED), word(2)) else {
        return Err("shorter than the fixed part of a job");
    };
    // The product's version is that of the Windows that wrote it; the file's is 1.
    if version != 1 {
        return Err("its version is not 1");
    }
    let at = usize::from(word(20).unwrap_or_default());
    if at < FIXED {
        return Err("its program's name lies inside the fixed part");
    }
    let mut rest = bytes.get(at..).unwrap_or_default();
    let mut next = || string(&mut rest).ok_or("cut inside its texts");
    let (application, _arguments, folder) = (next()?, next()?, next()?);
    let (author, comment) = (next()?, next()?);
    if application.is_empty() {
        return Err("it names no program");
    }
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(Job {
        application,
        folder: some(folder),
        author: some(author),
        comment: some(comment),
        disabled: le32(bytes, 48).unwrap_or_default() & DISABLED != 0,
        last_run: fixed.get(52..).and_then(filetime::systemtime),
    })
}

/// A count of UTF-16 units, the closing zero among them, and the units.
fn string(rest: &mut &[u8]) -> Option<String> {
    let units = u16::from_le_bytes(array(rest, 0)?);
    let (text, tail) = rest.get(2..)?.split_at_checked(usize::from(units) * 2)?;
    *rest = tail;
    Some(utf16::little_z(text).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = vec![0; FIXED];
        bytes[0..2].copy_from_slice(&0x0501_u16.to_le_bytes());
        bytes[2..4].copy_from_slice(&1_u16.to_le_bytes());
        bytes[20..22].copy_from_slice(&70_u16.to_le_bytes());
        bytes[48..52].copy_from_slice(&0x44_u32.to_le_bytes());
        bytes[52..68].copy_from_slice(&[2016, 7, 6, 16, 0, 0, 1, 0].map(u16::to_le_bytes).concat());
        bytes.extend([0; 2]);
        for text in ["C:\\K L\\avp.exe", "-secret", "C:\\K L", "SYSTEM", ""] {
            let units = if text.is_empty() { 0 } else { u16::try_from(text.len() + 1).unwrap() };
            bytes.extend(units.to_le_bytes());
            bytes.extend(utf16::encode(text));
            bytes.extend(vec![0; if text.is_empty() { 0 } else { 2 }]);
        }
        bytes
    }

    #[test]
    fn a_sound_job() {
        let got = job(&sample()).unwrap();
        assert_eq!(got.application, "C:\\K L\\avp.exe");
        assert_eq!((got.folder.as_deref(), got.author.as_deref()), (Some("C:\\K L"), Some("SYSTEM")));
        assert_eq!((got.comment.as_deref(), got.disabled, got.last_run), (None, true, Some(1_468_627_201)));
        assert!(!format!("{got:?}").contains("secret"));
    }

    #[test]
    fn every_cut_is_refused() {
        let good = sample();
        for cut in 0..good.len() {
            assert!(job(&good[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for (at, byte) in [(2, 2), (20, 40), (20, 255), (70, 0)] {
            let mut odd = sample();
            odd[at] = byte;
            assert!(job(&odd).is_err(), "{at}");
        }
        assert!(job(&vec![0xff; 1 << 16]).is_err());
    }

    #[test]
    #[ignore = "writes into the source tree, when a format's writer changed"]
    fn write_seeds() {
        crate::parse::corpora_windows_tests::save_seed("windows_binary", "job", &sample());
    }
}
