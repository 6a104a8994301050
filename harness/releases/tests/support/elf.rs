//! The smallest programs for this machine: they print a text and end, or wait for ever. What prints does so only in
//! an empty environment.

/// What ESO prints when asked with `--help`, as far as it matters.
pub(crate) const HELP: &str = "For more information visit https://external-secrets.io\n\n\
    Usage:\n  external-secrets [flags]\n\nFlags:\n      --store-requeue-interval duration\n";

/// Go's build information of ESO's module at a version.
pub(crate) fn eso_at(version: &str) -> String {
    format!(
        "path\tgithub.com/external-secrets/external-secrets\n\
        mod\tgithub.com/external-secrets/external-secrets\t{version}\th1:x=\n"
    )
}

/// The build information of the images' program.
pub(crate) const ESO_BY_MAKEFILE: &str = "path\tcommand-line-arguments\n\
    dep\tgithub.com/external-secrets/external-secrets\t(devel)\t\n";

/// A program that prints the text and ends well; with this build information, if any.
pub(crate) fn printing(text: &str, build: Option<&str>) -> Vec<u8> {
    file(&code(Some(text)), build)
}

/// A program that waits for ever, in silence.
pub(crate) fn waiting() -> Vec<u8> {
    file(&code(None), None)
}

/// The same program, said to be for another machine: MIPS.
pub(crate) fn foreign() -> Vec<u8> {
    let mut program = waiting();
    program[18] = 8;
    program
}

#[cfg(target_arch = "x86_64")]
const MACHINE: u8 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u8 = 183;

#[cfg(target_arch = "x86_64")]
fn code(text: Option<&str>) -> Vec<u8> {
    let Some(text) = text else {
        // pause(), again and again
        return vec![0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];
    };
    // Past the arguments the environment begins, and ends where it is empty; else on to the end.
    let mut code = vec![
        0x48, 0x8b, 0x04, 0x24, 0x48, 0x83, 0x7c, 0xc4, 0x10, 0, 0x75, 24,
    ];
    code.extend([0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0]); // write(1,
    code.extend([0x48, 0x8d, 0x35, 19, 0, 0, 0]); // the text,
    code.push(0xba); // its length)
    code.extend((text.len() as u32).to_le_bytes());
    code.extend([0x0f, 0x05]);
    code.extend([0xb8, 60, 0, 0, 0, 0xbf, 0, 0, 0, 0, 0x0f, 0x05]); // exit(0)
    code.extend(text.bytes());
    code
}

#[cfg(target_arch = "aarch64")]
fn code(text: Option<&str>) -> Vec<u8> {
    let words: Vec<u32> = match text {
        // ppoll(0, 0, 0, 0), again and again
        None => vec![
            0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800928, 0xd4000001, 0x17fffffa,
        ],
        // On to the end where the environment is not empty; write(1, the text, its length); exit(0)
        Some(text) => vec![
            0xf94003e0,
            0x8b206fe0,
            0xf9400800,
            0xb50000c0,
            0xd2800020,
            0x100000e1,
            0xd2800002 | (text.len() as u32) << 5,
            0xd2800808,
            0xd4000001,
            0xd2800000,
            0xd2800ba8,
            0xd4000001,
        ],
    };
    let mut code: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    code.extend(text.unwrap_or_default().bytes());
    code
}

const BASE: u64 = 0x40_0000;
const CODE: u64 = 64 + 56;

fn file(code: &[u8], build: Option<&str>) -> Vec<u8> {
    let section = build.map(go_build).unwrap_or_default();
    let names = b"\0.go.buildinfo\0.shstrtab\0";
    let section_at = (CODE + code.len() as u64).next_multiple_of(16);
    let names_at = section_at + section.len() as u64;
    let headers_at = (names_at + names.len() as u64).next_multiple_of(8);

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, MACHINE, 0, 1, 0, 0, 0]);
    file.extend((BASE + CODE).to_le_bytes());
    file.extend(64_u64.to_le_bytes());
    file.extend(headers_at.to_le_bytes());
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 3, 0, 2, 0]);
    // One segment, all of the file, to be read and executed.
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for number in [0, BASE, BASE, headers_at, headers_at, 0x1000] {
        file.extend(number.to_le_bytes());
    }
    file.extend(code);
    file.resize(section_at as usize, 0);
    file.extend(&section);
    file.extend(names);
    file.resize(headers_at as usize, 0);
    file.extend([0; 64]);
    file.extend(section_header(1, section_at, section.len()));
    file.extend(section_header(15, names_at, names.len()));
    file
}

fn section_header(name: u32, at: u64, size: usize) -> Vec<u8> {
    let mut header = name.to_le_bytes().to_vec();
    header.extend([1, 0, 0, 0]);
    for number in [0, 0, at, size as u64, 0, 1, 0] {
        header.extend(number.to_le_bytes());
    }
    header
}

/// As Go 1.18 and later write it.
fn go_build(text: &str) -> Vec<u8> {
    let mut section = b"\xff Go buildinf:\x08\x02".to_vec();
    section.resize(32, 0);
    let modules = format!("0123456789abcdef{text}0123456789abcdef");
    for text in ["go1.26.8", &modules] {
        let mut length = text.len();
        while length >= 0x80 {
            section.push(length as u8 | 0x80);
            length >>= 7;
        }
        section.push(length as u8);
        section.extend(text.bytes());
    }
    section
}
