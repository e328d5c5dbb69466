//! The sources that an answer cites, numbered as they come.

use tokencast_client::Citation;

/// The sources of the answer that is on display.
#[derive(Debug, Default)]
pub(super) struct Sources {
    sources: Vec<Citation>,
}

impl Sources {
    /// The number of a source. One that was cited before has its number already.
    pub(super) fn number(&mut self, citation: &Citation) -> usize {
        let is_same = |known: &Citation| match (&known.url, &citation.url) {
            (None, None) => known.title == citation.title && known.text == citation.text,
            (known, cited) => known == cited,
        };
        if let Some(index) = self.sources.iter().position(is_same) {
            return index + 1;
        }
        self.sources.push(citation.clone());
        self.sources.len()
    }

    pub(super) fn clear(&mut self) {
        self.sources.clear();
    }

    /// One line for each source: `[1] title: url`.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        (1..).zip(&self.sources).map(|(number, source)| {
            let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = [&source.title, &source.url].into_iter().flatten();
            let mut said: Vec<_> = said.map(|text| one_line(text)).collect();
            if said.is_empty() {
                said.extend(source.text.as_deref().map(one_line));
            }
            format!("[{number}] {}", said.join(": "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation(title: Option<&str>, url: Option<&str>, text: Option<&str>) -> Citation {
        Citation {
            title: title.map(str::to_owned),
            url: url.map(str::to_owned),
            text: text.map(str::to_owned),
        }
    }

    #[test]
    fn a_source_has_one_number() {
        let mut sources = Sources::default();
        let cited = [
            citation(Some("Waal"), Some("https://a.example"), Some("one")),
            citation(Some("Rhine\nnews"), None, None),
            citation(Some("Waal, again"), Some("https://a.example"), Some("two")),
            citation(None, None, Some("no  title")),
            citation(Some("Rhine\nnews"), None, None),
        ];
        let numbers: Vec<_> = cited.iter().map(|cited| sources.number(cited)).collect();
        assert_eq!(numbers, [1, 2, 1, 3, 2]);
        let lines: Vec<_> = sources.lines().collect();
        assert_eq!(
            lines,
            [
                "[1] Waal: https://a.example",
                "[2] Rhine news",
                "[3] no title"
            ]
        );
        sources.clear();
        assert_eq!(sources.lines().count(), 0);
    }
}
