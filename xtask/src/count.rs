//! The tests that a test runner reports, read from its closing lines.

use std::fmt;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    pub fn ran(self) -> bool {
        self.passed + self.failed > 0
    }

    /// Adds what a line says, if it is a closing line of libtest, node's runner, Vitest or Jest.
    pub fn add_line(&mut self, line: &str) {
        let line = without_colour(line);
        let line = line.trim();
        if let Some(numbers) = line.strip_prefix("test result: ") {
            self.add_words(numbers.split(['.', ';']));
        } else if let Some(numbers) = ["Tests:", "Tests  "]
            .iter()
            .find_map(|start| line.strip_prefix(start))
        {
            self.add_words(numbers.split([',', '|', '(']));
        } else if let Some((word, number)) = line
            .strip_prefix("ℹ ")
            .or_else(|| line.strip_prefix("# "))
            .and_then(|rest| rest.split_once(' '))
        {
            self.add(word, number);
        }
    }

    fn add_words<'a>(&mut self, numbers: impl Iterator<Item = &'a str>) {
        for part in numbers {
            if let Some((number, word)) = part.trim().split_once(' ') {
                self.add(word, number);
            }
        }
    }

    fn add(&mut self, word: &str, number: &str) {
        let Ok(number) = number.trim().parse::<u64>() else {
            return;
        };
        match word.trim() {
            "passed" | "pass" => self.passed += number,
            "failed" | "fail" => self.failed += number,
            "ignored" | "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Leaves out escape sequences of the form `ESC [ … letter`.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, expected: &str) {
        let mut counts = Counts::default();
        for line in lines.lines() {
            counts.add_line(line);
        }
        assert_eq!(counts.to_string(), expected, "{lines}");
    }

    #[test]
    fn closing_lines_of_each_runner() {
        check(
            "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            "12 passed, 0 failed, 2 skipped",
        );
        check(
            "test result: \u{1b}[31mFAILED\u{1b}[m. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "1 passed, 2 failed",
        );
        check(
            "ℹ tests 5\nℹ pass 4\nℹ fail 1\nℹ skipped 0\n",
            "4 passed, 1 failed",
        );
        check(
            "# tests 5\n# pass 4\n# todo 1\n# fail 0",
            "4 passed, 0 failed, 1 skipped",
        );
        check(
            " Test Files  2 passed (2)\n      Tests  7 passed (7)",
            "7 passed, 0 failed",
        );
        check(
            "  Tests  1 failed | 7 passed | 1 skipped (9)",
            "7 passed, 1 failed, 1 skipped",
        );
        check(
            "Tests:       1 failed, 7 passed, 8 total",
            "7 passed, 1 failed",
        );
    }

    #[test]
    fn other_lines_say_nothing() {
        check(
            "test a_test ... ok\n12 passed\n# Tests\nTests are 3 passed",
            "0 passed, 0 failed",
        );
        assert!(!Counts::default().ran());
    }
}
