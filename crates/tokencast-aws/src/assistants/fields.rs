//! The fields of an object in the file, read by name; what is wrong is collected.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::FieldError;

/// The longest part of a value that an error shows, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// A least and a greatest number.
#[derive(Clone, Copy)]
pub(super) struct Range<T>(pub(super) T, pub(super) T);

impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} to {}", self.0, self.1)
    }
}

/// A number of the file.
pub(super) trait Number: PartialOrd + fmt::Display + Sized {
    /// What it is, for errors.
    const KIND: &'static str;

    fn of(value: &Value) -> Option<Self>;
}

impl Number for u32 {
    const KIND: &'static str = "a whole number";

    fn of(value: &Value) -> Option<Self> {
        // `4096.0` is a whole number to JSON Schema.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0)?;
        let range = 0.0..=f64::from(Self::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within the range"
        )]
        range.contains(&whole).then_some(whole as Self)
    }
}

impl Number for f64 {
    const KIND: &'static str = "a number";

    fn of(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

/// The fields of one object. A field that is not asked for is an error at the end.
pub(super) struct Fields<'v, 'e> {
    /// Of the object, with a dot behind it; empty for the file.
    prefix: String,
    values: &'v Map<String, Value>,
    known: BTreeSet<&'static str>,
    errors: &'e mut Vec<FieldError>,
}

impl<'v, 'e> Fields<'v, 'e> {
    pub(super) fn of_file(file: &'v Value, errors: &'e mut Vec<FieldError>) -> Option<Self> {
        Self::of("", file, errors)
    }

    fn of(place: &str, value: &'v Value, errors: &'e mut Vec<FieldError>) -> Option<Self> {
        let Some(fields) = value.as_object() else {
            errors.push(FieldError {
                place: place.to_owned(),
                problem: format!("is {}, expected an object", shown(value)),
            });
            return None;
        };
        let prefix = if place.is_empty() {
            String::new()
        } else {
            format!("{place}.")
        };
        Some(Self {
            prefix,
            values: fields,
            known: BTreeSet::new(),
            errors,
        })
    }

    pub(super) fn get(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.insert(name);
        self.values.get(name)
    }

    /// A value that must be there.
    pub(super) fn required(&mut self, name: &'static str, expected: &str) -> Option<&'v Value> {
        let value = self.get(name);
        if value.is_none() {
            self.wrong(name, expected);
        }
        value
    }

    /// A text of so many characters, not all of them white space.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        chars: RangeInclusive<usize>,
        expected: &str,
    ) -> Option<String> {
        let least = *chars.start();
        let fits = |text: &str| {
            chars.contains(&text.chars().count()) && (least == 0 || !text.trim().is_empty())
        };
        self.matching(name, fits, expected)
    }

    /// A text without white space.
    pub(super) fn word(
        &mut self,
        name: &'static str,
        max_chars: usize,
        expected: &str,
    ) -> Option<String> {
        let fits = |text: &str| {
            (1..=max_chars).contains(&text.chars().count()) && !text.contains(char::is_whitespace)
        };
        self.matching(name, fits, expected)
    }

    pub(super) fn matching(
        &mut self,
        name: &'static str,
        fits: impl FnOnce(&str) -> bool,
        expected: &str,
    ) -> Option<String> {
        let value = self.get(name)?;
        let text = value.as_str().filter(|text| fits(text));
        if text.is_none() {
            self.wrong(name, expected);
        }
        text.map(str::to_owned)
    }

    pub(super) fn number<T: Number>(&mut self, name: &'static str, range: &Range<T>) -> Option<T> {
        let Some(number) = T::of(self.get(name)?) else {
            self.wrong(name, &format!("{} from {range}", T::KIND));
            return None;
        };
        let is_within = number >= range.0 && number <= range.1;
        if !is_within {
            self.wrong(name, &range.to_string());
        }
        is_within.then_some(number)
    }

    pub(super) fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.get(name) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(name, "true or false");
            default
        })
    }

    /// One of a few words; the first if there is none.
    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> T {
        let default = choices[0].1;
        let Some(value) = self.get(name) else {
            return default;
        };
        let word = value.as_str();
        let chosen = choices.iter().find(|(choice, _)| Some(*choice) == word);
        if let Some((_, chosen)) = chosen {
            return *chosen;
        }
        let words: Vec<_> = choices
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect();
        self.wrong(name, &words.join(" or "));
        default
    }

    /// The fields of an object that may be missing.
    pub(super) fn object(&mut self, name: &'static str) -> Option<Fields<'v, '_>> {
        let value = self.get(name)?;
        let place = self.place(name);
        Fields::of(&place, value, self.errors)
    }

    /// Reads the objects in an object, each with its name.
    pub(super) fn each(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&'v str, &mut Fields<'v, '_>),
    ) {
        let Some(fields) = self.object(name) else {
            return;
        };
        let Fields {
            prefix,
            values,
            errors,
            ..
        } = fields;
        for (name, value) in values {
            let place = format!("{prefix}{name}");
            if let Some(mut fields) = Fields::of(&place, value, errors) {
                read(name, &mut fields);
                fields.end();
            }
        }
    }

    /// Notes that the value of a field is not what was expected.
    pub(super) fn wrong(&mut self, name: &'static str, expected: &str) {
        let found = match self.get(name) {
            None => "is missing".to_owned(),
            Some(value) => format!("is {}", shown(value)),
        };
        self.error(name, format!("{found}, expected {expected}"));
    }

    /// Notes an error at a field, or at the object itself if `name` is empty.
    pub(super) fn error(&mut self, name: &str, problem: String) {
        let place = self.place(name);
        self.errors.push(FieldError { place, problem });
    }

    /// Notes the fields that nobody asked for.
    pub(super) fn end(self) {
        for name in self.values.keys() {
            if !self.known.contains(name.as_str()) {
                let known: Vec<_> = self.known.iter().map(|it| format!("`{it}`")).collect();
                self.errors.push(FieldError {
                    place: format!("{}{name}", self.prefix),
                    problem: format!("is unknown, expected one of {}", known.join(", ")),
                });
            }
        }
    }

    fn place(&self, name: &str) -> String {
        let place = format!("{}{name}", self.prefix);
        place.strip_suffix('.').unwrap_or(&place).to_owned()
    }
}

/// A value as an error shows it. A long text may be a prompt: only its length is shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) if text.chars().count() > MAX_SHOWN_CHARS => {
            format!("a text of {} characters", text.chars().count())
        }
        Value::String(text) => format!("`{text}`"),
        value => value.to_string(),
    }
}
