//! What a client has of an answer's text. A newer attempt starts the text again, and the protocol can't take back what was
//! sent.

use tokencast_core::id::Attempt;

/// The text that was sent, and how much of it the current attempt has repeated.
#[derive(Debug, Default)]
pub struct Sent {
    text: String,
    attempt: Option<Attempt>,
    /// While the current attempt repeats what was sent: how many bytes of it.
    repeated: Option<usize>,
}

/// A newer attempt says something else than what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs;

impl Sent {
    /// What of the next text of an attempt wasn't sent before. Text of an older attempt is nothing.
    ///
    /// # Errors
    ///
    /// [`Differs`]: the attempt's text doesn't begin with what was sent.
    pub fn add<'a>(&mut self, attempt: Attempt, text: &'a str) -> Result<&'a str, Differs> {
        match self.attempt {
            Some(current) if attempt < current => return Ok(""),
            Some(current) if attempt > current => {
                self.repeated = (!self.text.is_empty()).then_some(0);
            }
            _ => {}
        }
        self.attempt = Some(attempt);
        let new = match self.repeated {
            None => text,
            Some(repeated) => {
                let expected = &self.text[repeated..];
                if expected.starts_with(text) && text.len() < expected.len() {
                    self.repeated = Some(repeated + text.len());
                    ""
                } else {
                    let new = text.strip_prefix(expected).ok_or(Differs)?;
                    self.repeated = None;
                    new
                }
            }
        };
        self.text.push_str(new);
        Ok(new)
    }

    /// Whether the current attempt hasn't repeated everything yet.
    pub fn is_repeated(&self) -> bool {
        self.repeated.is_some()
    }

    /// How many characters were sent.
    pub fn chars(&self) -> usize {
        self.text.chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps such as `1:ab`, an attempt and its next text, and what is new of each; `!` if it differs.
    fn check(steps: &str, expected: &str) {
        let mut sent = Sent::default();
        let new: Vec<_> = steps
            .split(' ')
            .map(|step| {
                let (attempt, text) = step.split_once(':').expect("an attempt");
                let attempt = Attempt(attempt.parse().expect("a number"));
                sent.add(attempt, text).map_or("!", |new| new)
            })
            .collect();
        assert_eq!(new.join(","), expected, "{steps}");
    }

    #[test]
    fn no_text_is_sent_twice() {
        check("1:ab 1:cd", "ab,cd");
        check("1:ab 2:ab 2:cd", "ab,,cd");
        check("1:ab 2:a 2:bc 2:d", "ab,,c,d");
        check("1:ab 1:cd 2:abc 2:def", "ab,cd,,ef");
        check("1:ab 2:a 3:abcd", "ab,,cd");
        check("1:ab 2:x", "ab,!");
        check("1:ab 2:a 2:x", "ab,,!");
        check("1:ab 2:abc 1:zz 3:abcd", "ab,c,,d");
        check("1:é 2:è", "é,!");
        // Nothing was sent, so nothing is repeated.
        check("1: 2:x", ",x");
    }
}
