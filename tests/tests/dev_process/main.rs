//! `tokencast dev` as a process: who can read its files, how it ends, and what it leaves behind.

mod disk;
mod ends;
mod files;
mod process;
