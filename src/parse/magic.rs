//! What a file is by its first bytes: a program of one of the three systems, or the disk of a virtual machine.
//!
//! Called by the sources that meet files of any name. Says what a file claims to be; whether it is sound is asked of the
//! reader of that format.

use super::bytes::{be32, le32};

/// Bytes from the start of a file that are enough to tell.
pub const HEAD: usize = 64;

/// Formats of programs and libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Linux and the BSDs.
    Elf,
    /// Windows, and what runs below it: drivers, firmware.
    Pe,
    /// macOS, for one processor or for several.
    MachO,
}

/// An architecture table with more entries is none: Java's classes begin with the same four bytes, and their version,
/// which stands where the count does, was never below 45 (JVM specification, section 4.1).
const MAX_ARCHITECTURES: u32 = 44;

/// The format of a program; none of what is no program: scripts, documents, data.
pub fn format(head: &[u8]) -> Option<Format> {
    match head.first_chunk::<4>()? {
        b"\x7fELF" => Some(Format::Elf),
        // <mach-o/loader.h>: 32 and 64 bits, each in the byte order of its processor.
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE] => Some(Format::MachO),
        // <mach-o/fat.h>: always big-endian, with 32 or 64 bits in its table.
        [0xCA, 0xFE, 0xBA, 0xBE | 0xBF] => {
            let count = be32(head, 4)?;
            (1..=MAX_ARCHITECTURES).contains(&count).then_some(Format::MachO)
        }
        // Whether the PE header that it points to is there is asked of the reader.
        [b'M', b'Z', ..] => {
            let header = le32(head, 0x3C)?;
            (header >= 4).then_some(Format::Pe)
        }
        _ => None,
    }
}

/// The kind of a virtual machine's disk; none of what is none, and of raw ones, which begin with anything.
pub fn virtual_disk(head: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        // QEMU, docs/interop/qcow2.txt.
        (b"QFI\xfb", "qcow2"),
        // Virtual Disk Format 5.0: sparse extents, and the text that describes others.
        (b"KDMV", "vmdk"),
        (b"# Disk DescriptorFile", "vmdk"),
        // [MS-VHDX] 2.2.1; the older format repeats its footer at the start where it is dynamic.
        (b"vhdxfile", "vhdx"),
        (b"conectix", "vhd"),
        (b"<<< Oracle VM VirtualBox Disk Image >>>", "vdi"),
        (b"<<< Sun VirtualBox Disk Image >>>", "vdi"),
        (b"<<< innotek VirtualBox Disk Image >>>", "vdi"),
        (b"WithoutFreeSpace", "parallels"),
        (b"WithouFreSpacExt", "parallels"),
    ];
    KINDS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(header: u32) -> Vec<u8> {
        let mut bytes = b"MZ\x90\0".to_vec();
        bytes.resize(0x3C, 0);
        bytes.extend(header.to_le_bytes());
        bytes
    }

    #[test]
    fn programs_of_each_system() {
        assert_eq!(format(b"\x7fELF\x02\x01\x01"), Some(Format::Elf));
        assert_eq!(format(&pe(0x80)), Some(Format::Pe));
        for mach in [b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"] {
            assert_eq!(format(mach), Some(Format::MachO), "{mach:x?}");
        }
        assert_eq!(format(b"\xca\xfe\xba\xbe\0\0\0\x02"), Some(Format::MachO));
        assert_eq!(format(b"\xca\xfe\xba\xbf\0\0\0\x01"), Some(Format::MachO));
    }

    #[test]
    fn what_is_no_program() {
        let java8 = b"\xca\xfe\xba\xbe\0\0\x004";
        for bytes in
            [&java8[..], b"\xca\xfe\xba\xbe\0\0\0\0", b"#!/bin/sh\n", b"MZ", b"PK\x03\x04", b"", b"\x7fEL"]
        {
            assert_eq!(format(bytes), None, "{bytes:x?}");
        }
        assert_eq!(format(&pe(0)), None, "text that begins with MZ, padded");
        for cut in 0..HEAD {
            assert_eq!(format(&pe(0x80)[..cut]), None);
        }
    }

    #[test]
    fn disks_of_virtual_machines() {
        assert_eq!(virtual_disk(b"QFI\xfb\0\0\0\x03"), Some("qcow2"));
        assert_eq!(virtual_disk(b"vhdxfileQ"), Some("vhdx"));
        assert_eq!(virtual_disk(b"<<< Oracle VM VirtualBox Disk Image >>>\n"), Some("vdi"));
        assert_eq!(virtual_disk(b"QFI"), None);
        assert_eq!(virtual_disk(b"\x7fELF"), None);
    }
}
