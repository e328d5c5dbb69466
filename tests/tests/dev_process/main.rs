//! `tokencast dev` as a process: who sees its files, how it ends, and what is left of it.

mod disk;
mod ends;
mod files;
mod process;
