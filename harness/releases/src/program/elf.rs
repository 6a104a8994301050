//! As much of an ELF file as says which machine it is for, and where Go left its build information.

use std::env::consts::ARCH;
use std::io::{Read, Seek, SeekFrom};

/// A kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// As `uname -m` says.
    pub(crate) name: &'static str,
    /// As images and Go say.
    pub(crate) image: &'static str,
    /// `e_machine` and whether it is big-endian.
    elf: (u16, bool),
}

/// The machines that ESO is released for, and some that people try (ELF's `e_machine` registry).
const MACHINES: [Machine; 7] = [
    machine("x86_64", "amd64", 62, false),
    machine("aarch64", "arm64", 183, false),
    machine("ppc64le", "ppc64le", 21, false),
    machine("s390x", "s390x", 22, true),
    machine("riscv64", "riscv64", 243, false),
    machine("i386", "386", 3, false),
    machine("arm", "arm", 40, false),
];

const fn machine(name: &'static str, image: &'static str, elf: u16, big: bool) -> Machine {
    Machine {
        name,
        image,
        elf: (elf, big),
    }
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        let name = match ARCH {
            "powerpc64" => "ppc64le",
            "x86" => "i386",
            other => other,
        };
        let known = MACHINES.into_iter().find(|machine| machine.name == name);
        // No file is for a machine that is not in the list, nor is an image.
        known.unwrap_or(machine(ARCH, ARCH, 0, false))
    }
}

/// Why a file cannot run here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Not an ELF file, or a damaged one.
    NoElf,
    /// For this machine.
    OtherMachine(String),
}

/// An ELF file for this machine.
#[derive(Debug)]
pub(super) struct Elf {
    wide: bool,
    big: bool,
    sections: u64,
    section_size: u16,
    section_count: u16,
    names: u16,
}

/// More than any Go program has.
const MAX_BUILD: u64 = 4 * 1024 * 1024;

impl Elf {
    /// Reads the header (System V ABI, "ELF Header").
    pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Self, Unfit> {
        let mut header = [0; 64];
        file.read_exact(&mut header).map_err(|_| Unfit::NoElf)?;
        if !header.starts_with(b"\x7fELF") {
            return Err(Unfit::NoElf);
        }
        let (wide, big) = (header[4] == 2, header[5] == 2);
        let short = |at: usize| number(&header[at..at + 2], big) as u16;
        let here = Machine::here();
        let kind = short(18);
        if (kind, big) != here.elf || !wide {
            let known = MACHINES.iter().find(|machine| machine.elf == (kind, big));
            return Err(Unfit::OtherMachine(match known {
                Some(machine) if machine.name != here.name => machine.name.to_owned(),
                _ => format!("ELF machine {kind}, {} bits", if wide { 64 } else { 32 }),
            }));
        }
        Ok(Self {
            wide,
            big,
            sections: number(&header[40..48], big),
            section_size: short(58),
            section_count: short(60),
            names: short(62),
        })
    }

    /// The text that Go puts into its programs: the main package, the modules, the build's settings.
    ///
    /// `None` where there is none: another language's program, or one that Go before 1.18 built
    /// (Go 1.26, `debug/buildinfo`).
    pub(super) fn go_build(&self, file: &mut (impl Read + Seek)) -> Option<String> {
        let (at, size) = self.section(file, b".go.buildinfo")?;
        let section = bytes(file, at, size.min(MAX_BUILD))?;
        let inline = *section.get(15)? & 2 != 0;
        if !section.starts_with(b"\xff Go buildinf:") || !inline {
            return None;
        }
        let (_go, rest) = counted(section.get(32..)?)?;
        let (modules, _) = counted(rest)?;
        // Between two marks of 16 bytes.
        let text = modules.get(16..modules.len().checked_sub(16)?)?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// A section's place and size in the file.
    fn section(&self, file: &mut (impl Read + Seek), name: &[u8]) -> Option<(u64, u64)> {
        if !self.wide || self.section_size < 64 {
            return None;
        }
        let header = |file: &mut _, index: u16| {
            let at = self
                .sections
                .checked_add(u64::from(index) * u64::from(self.section_size))?;
            bytes(file, at, 64)
        };
        let long = |header: &[u8], at: usize| Some(number(header.get(at..at + 8)?, self.big));
        let names = header(file, self.names)?;
        let names = bytes(file, long(&names, 24)?, long(&names, 32)?.min(MAX_BUILD))?;
        (0..self.section_count).find_map(|index| {
            let header = header(file, index)?;
            let start = number(&header[..4], self.big) as usize;
            let found = names.get(start..)?.split(|byte| *byte == 0).next()?;
            let place = (long(&header, 24)?, long(&header, 32)?);
            (found == name).then_some(place)
        })
    }
}

fn number(bytes: &[u8], big: bool) -> u64 {
    let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match big {
        true => bytes.iter().fold(0, push),
        false => bytes.iter().rev().fold(0, push),
    }
}

/// A string behind its length (a varint).
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes.get(index + 1..)?.split_at_checked(length);
        }
    }
    None
}

fn bytes(file: &mut (impl Read + Seek), at: u64, size: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == size).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn this_very_program_is_for_this_machine_and_no_go() {
        let mut file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let elf = Elf::read(&mut file).unwrap();
        assert!(elf.section(&mut file, b".text").is_some());
        assert_eq!(elf.go_build(&mut file), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(tail in proptest::collection::vec(0_u8.., 48..400)) {
            let here = Machine::here();
            let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
            file.extend(here.elf.0.to_le_bytes());
            file.extend(tail);
            let mut file = Cursor::new(file);
            if let Ok(elf) = Elf::read(&mut file) {
                proptest::prop_assert_eq!(elf.go_build(&mut file), None);
            }
        }
    }
}
