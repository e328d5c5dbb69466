//! Finds the newest glibc that a program needs, from the versions of its dynamic symbols.

use std::fmt;
use std::path::Path;

use object::Endianness;
use object::elf::{EM_X86_64, FileHeader64, VER_FLG_WEAK};
use object::read::elf::FileHeader as _;

use crate::error::TaskError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// Returns the version; `None` if the program needs no glibc.
///
/// # Errors
///
/// The file can't be read, or is no Linux program for `x86_64`.
pub fn newest(path: &Path) -> Result<Option<Version>, TaskError> {
    let elf = std::fs::read(path).map_err(TaskError::file("read", path))?;
    let needed = versions(&elf).map_err(|source| TaskError::Elf {
        path: path.to_owned(),
        source,
    })?;
    match needed {
        Some(versions) => Ok(versions.into_iter().max()),
        None => Err(TaskError::Advice(format!(
            "{} is not for x86_64",
            path.display()
        ))),
    }
}

/// Returns the versions that each library must have, without those that the loader treats as optional. `None` if the
/// program is for another processor.
fn versions(elf: &[u8]) -> object::Result<Option<Vec<Version>>> {
    let header = FileHeader64::<Endianness>::parse(elf)?;
    let endian = header.endian()?;
    if header.e_machine(endian) != EM_X86_64 {
        return Ok(None);
    }
    let sections = header.sections(endian, elf)?;
    let mut versions = Vec::new();
    if let Some((mut libraries, names)) = sections.gnu_verneed(endian, elf)? {
        let names = sections.strings(endian, elf, names)?;
        while let Some((_, mut needed)) = libraries.next()? {
            while let Some(version) = needed.next()? {
                let is_weak = version.vna_flags.get(endian) & VER_FLG_WEAK != 0;
                versions.extend(parse(version.name(endian, names)?).filter(|_| !is_weak));
            }
        }
    }
    Ok(Some(versions))
}

/// Parses `GLIBC_2.34`, or `GLIBC_2.2.5`.
fn parse(name: &[u8]) -> Option<Version> {
    let name = std::str::from_utf8(name).ok()?;
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some(Version(number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_symbols() {
        assert_eq!(parse(b"GLIBC_2.34"), Some(Version(2, 34)));
        assert_eq!(parse(b"GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(parse(b"GCC_3.0"), None);
        assert_eq!(parse(b"GLIBC_PRIVATE"), None);
        assert!(Version(2, 9) < Version(2, 34));
    }

    #[test]
    fn a_file_that_is_no_program_is_refused() {
        assert!(versions(b"#!/bin/sh").is_err());
        assert!(versions(b"\x7fELF\x02\x01\x01").is_err());
    }

    /// The test's own executable needs some glibc, because it is linked on a system with glibc.
    #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
    #[test]
    fn a_linked_program_needs_glibc() {
        let program = std::env::current_exe().expect("a program");
        let needed = newest(&program)
            .expect("it is read")
            .expect("it is linked to glibc");
        assert!(needed >= Version(2, 2), "{needed}");
    }

    /// The header names the processor in its 18th byte.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn a_program_for_another_processor_is_refused() {
        let program = std::env::current_exe().expect("a program");
        let mut elf = std::fs::read(program).expect("read");
        elf[18] = 183;
        assert_eq!(versions(&elf), Ok(None));
    }
}
