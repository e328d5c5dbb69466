//! The zip that Lambda takes: it holds an executable `bootstrap`, and the same program gives the same bytes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::TaskError;

/// How much time deflate takes.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// As much as it can: what is deployed is small.
    Most,
    /// Little. A development build of this task compresses slowly, and nobody deploys what it writes.
    Least,
}

impl Effort {
    fn level(self) -> i64 {
        match self {
            Self::Most => 9,
            Self::Least => 1,
        }
    }
}

/// Writes `zip` with `bootstrap` in it.
///
/// # Errors
///
/// One of the files can't be read or written.
pub fn write(bootstrap: &Path, zip: &Path, effort: Effort) -> Result<(), TaskError> {
    let program = fs::read(bootstrap).map_err(TaskError::file("read", bootstrap))?;
    let file = File::create(zip).map_err(TaskError::file("made", zip))?;
    let zipped = |source| TaskError::Zip {
        path: zip.to_owned(),
        source,
    };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(effort.level()))
        // The time is fixed at 1980. The time of the build would change the hash that a deployment compares.
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut archive = ZipWriter::new(file);
    archive.start_file("bootstrap", options).map_err(zipped)?;
    archive
        .write_all(&program)
        .map_err(TaskError::file("written", zip))?;
    archive.finish().map_err(zipped)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_executable_and_always_the_same() {
        let directory = std::env::temp_dir().join(format!("xtask-archive-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let program = directory.join("program");
        fs::write(&program, b"\x7fELF and so on").expect("written");
        let archives = ["a.zip", "b.zip"].map(|name| {
            let zip = directory.join(name);
            write(&program, &zip, Effort::Most).expect("zipped");
            fs::read(zip).expect("read")
        });
        fs::remove_dir_all(&directory).expect("removed");
        assert_eq!(archives[0], archives[1]);
        let mut read =
            zip::ZipArchive::new(std::io::Cursor::new(&archives[0])).expect("an archive");
        assert_eq!(read.len(), 1);
        let file = read.by_name("bootstrap").expect("there");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(file.size(), 14);
    }
}
