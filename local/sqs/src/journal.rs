//! The journal, from which the queues are read after a restart. Each change is one line of JSON.
//!
//! A change is written to the operating system before the caller gets its response, so it survives any end of this
//! process. It isn't synced to disk: an `fsync` for each message, which would survive a power cut, costs more than a
//! laptop's queue is worth.
//!
//! [`apply`] makes a change both when it happens and when it is read back.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use local_kit::private_files;
use local_kit::write_failures::WriteFailures;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::attributes::Attributes;
use super::message::Message;
use super::queue::Queue;

const FILE: &str = "sqs.jsonl";

/// Queues by name.
pub(crate) type Queues = BTreeMap<String, Queue>;

/// One change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Record {
    Create {
        queue: String,
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        at_ms: i64,
    },
    Configure {
        queue: String,
        attributes: BTreeMap<String, String>,
        at_ms: i64,
    },
    Tag {
        queue: String,
        tags: BTreeMap<String, String>,
    },
    Drop {
        queue: String,
    },
    Purge {
        queue: String,
        at_ms: i64,
    },
    Put {
        queue: String,
        message: Message,
    },
    Receive {
        queue: String,
        id: Uuid,
        at_ms: i64,
        until_ms: i64,
    },
    Visibility {
        queue: String,
        id: Uuid,
        until_ms: i64,
    },
    Delete {
        queue: String,
        id: Uuid,
    },
    /// Moves a message to the dead-letter queue unchanged.
    DeadLetter {
        queue: String,
        to: String,
        id: Uuid,
        source_arn: String,
        at_ms: i64,
    },
    /// Moves a message back from the dead-letter queue, as a new message.
    Redrive {
        queue: String,
        to: String,
        id: Uuid,
        new_id: Uuid,
        at_ms: i64,
    },
}

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("`{}` can't be used", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("line {line} of `{}` can't be read", path.display())]
    Corrupt {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}

/// The queues that the previous run's journal holds.
#[derive(Debug, Default)]
pub(crate) struct SavedQueues {
    pub queues: Queues,
}

impl SavedQueues {
    /// Sets a queue's attributes from the configuration, which wins over the journal. Its messages stay.
    pub(crate) fn configure(&mut self, name: &str, attributes: Attributes, now_ms: i64) {
        let queue = self.queues.entry(name.to_owned()).or_default();
        if queue.created_ms == 0 {
            queue.created_ms = now_ms;
        }
        queue.attributes = attributes;
        queue.modified_ms = now_ms;
    }
}

/// The journal's directory, locked so that one process at a time uses it.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    lock: File,
}

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Where the last complete line ends.
    length: u64,
    failures: WriteFailures,
    /// Held while the journal is open, because two processes must not both append.
    _lock: File,
}

impl Directory {
    /// Locks a directory, and creates it if it is missing.
    pub(crate) fn lock(path: &Path) -> Result<Self, JournalError> {
        std::fs::create_dir_all(path).map_err(at(path))?;
        let lock_path = path.join(format!("{FILE}.lock"));
        let lock = private_files::open(&lock_path).map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: lock_path }),
            Err(TryLockError::Error(error)) => Err(at(&lock_path)(error)),
        }
    }

    /// Reads the previous run's journal. An incomplete last line is ignored.
    pub(crate) fn load(&self) -> Result<SavedQueues, JournalError> {
        let path = self.path.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(SavedQueues::default());
            }
            Err(error) => return Err(at(&path)(error)),
        };
        let mut saved = SavedQueues::default();
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(&[][..], |end| &text[..end]);
        let lines = whole.split(|byte| *byte == b'\n').enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let record = serde_json::from_slice(line).map_err(|source| JournalError::Corrupt {
                path: path.clone(),
                line: index + 1,
                source,
            })?;
            apply(&mut saved.queues, record);
        }
        Ok(saved)
    }

    /// Starts a new journal that holds only `saved`.
    pub(crate) fn start(
        self,
        saved: &SavedQueues,
        failures: &WriteFailures,
    ) -> Result<Journal, JournalError> {
        let path = self.path.join(FILE);
        let fresh = self.path.join(format!("{FILE}.new"));
        let mut file = private_files::create(&fresh).map_err(at(&fresh))?;
        for (name, queue) in &saved.queues {
            let create = Record::Create {
                queue: name.clone(),
                attributes: queue.attributes.pairs(),
                tags: queue.tags.clone(),
                at_ms: queue.created_ms,
            };
            let puts = queue.messages().into_iter().map(|message| Record::Put {
                queue: name.clone(),
                message: message.clone(),
            });
            let records: Vec<_> = std::iter::once(create).chain(puts).collect();
            write(&mut file, &records).map_err(at(&fresh))?;
        }
        file.sync_all().map_err(at(&fresh))?;
        std::fs::rename(&fresh, &path).map_err(at(&path))?;
        let length = file.metadata().map_err(at(&path))?.len();
        Ok(Journal {
            file,
            path,
            length,
            failures: failures.clone(),
            _lock: self.lock,
        })
    }
}

impl Journal {
    /// Appends a change. If that fails, the journal stays as it was.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let written = write(&mut self.file, std::slice::from_ref(record));
        match &written {
            Ok(bytes) => self.length += bytes,
            Err(error) => {
                self.failures.report(&self.path, &error.to_string());
                // An incomplete line would spoil the next one.
                let cut = self.file.set_len(self.length);
                let back = cut.and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
                if let Err(error) = back {
                    tracing::error!(%error, "the queues' journal ends within a line");
                }
            }
        }
        written.map(|_| ())
    }
}

/// Applies one change.
pub(crate) fn apply(queues: &mut Queues, record: Record) {
    match record {
        Record::Create {
            queue,
            attributes,
            tags,
            at_ms,
        } => {
            let queue = queues.entry(queue).or_default();
            queue.created_ms = at_ms;
            queue.modified_ms = at_ms;
            queue.tags = tags;
            set(queue, &attributes);
        }
        Record::Configure {
            queue,
            attributes,
            at_ms,
        } => {
            change(queues, &queue, |queue| {
                queue.modified_ms = at_ms;
                set(queue, &attributes);
            });
        }
        Record::Tag { queue, tags } => change(queues, &queue, |queue| queue.tags = tags),
        Record::Drop { queue } => drop(queues.remove(&queue)),
        Record::Purge { queue, at_ms } => change(queues, &queue, |queue| {
            queue.purged_ms = Some(at_ms);
            queue.clear();
        }),
        Record::Put { queue, message } => change(queues, &queue, |queue| queue.put(message)),
        Record::Receive {
            queue,
            id,
            at_ms,
            until_ms,
        } => change(queues, &queue, |queue| {
            queue.update(id, |message| {
                message.receive_count += 1;
                message.first_received_ms.get_or_insert(at_ms);
                message.in_flight = true;
                message.visible_ms = until_ms;
            });
        }),
        Record::Visibility {
            queue,
            id,
            until_ms,
        } => change(queues, &queue, |queue| {
            queue.update(id, |message| message.visible_ms = until_ms);
        }),
        // A deletion makes nothing visible, so no long poll needs to look.
        Record::Delete { queue, id } => {
            drop(queues.get_mut(&queue).and_then(|queue| queue.remove(id)));
        }
        Record::DeadLetter {
            queue,
            to,
            id,
            source_arn,
            at_ms,
        } => {
            let moved = queues.get_mut(&queue).and_then(|queue| queue.remove(id));
            if let Some(mut message) = moved {
                message.dead_letter_source = Some(source_arn);
                message.in_flight = false;
                message.visible_ms = at_ms;
                change(queues, &to, |queue| queue.put(message));
            }
        }
        Record::Redrive {
            queue,
            to,
            id,
            new_id,
            at_ms,
        } => {
            let moved = queues.get_mut(&queue).and_then(|queue| queue.remove(id));
            if let Some(message) = moved {
                let fresh = Message {
                    id: new_id,
                    sent_ms: at_ms,
                    receive_count: 0,
                    first_received_ms: None,
                    visible_ms: at_ms,
                    in_flight: false,
                    dead_letter_source: None,
                    ..message
                };
                change(queues, &to, |queue| queue.put(fresh));
            }
        }
    }
}

fn change(queues: &mut Queues, name: &str, change: impl FnOnce(&mut Queue)) {
    if let Some(queue) = queues.get_mut(name) {
        change(queue);
        queue.changed.notify_waiters();
    }
}

/// Attributes were checked when they were set, so errors can't happen here.
fn set(queue: &mut Queue, attributes: &BTreeMap<String, String>) {
    for (name, value) in attributes {
        if let Err(error) = queue.attributes.set(name, value) {
            tracing::warn!(%error, "an attribute in the journal is no longer valid");
        }
    }
}

/// Returns the number of bytes written.
fn write(file: &mut File, records: &[Record]) -> io::Result<u64> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    Ok(lines.len() as u64)
}

fn at(path: &Path) -> impl Fn(io::Error) -> JournalError {
    move |source| JournalError::Io {
        path: path.to_owned(),
        source,
    }
}
