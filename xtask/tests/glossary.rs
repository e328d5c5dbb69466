//! docs/GLOSSARY.md names types that there are.

use std::path::Path;

#[test]
fn each_type_is_where_the_glossary_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("docs/GLOSSARY.md")).expect("the glossary");
    let mut seen = 0;
    for row in text.lines().filter(|line| line.contains("](../")) {
        let (_, link) = row.split_once("| [`").expect("a type");
        let (name, link) = link.split_once("`](../").expect("a link");
        let (path, _) = link.split_once(')').expect("its end");
        let source = std::fs::read_to_string(root.join(path)).expect(path);
        let is_declared = ["struct", "enum", "trait"].iter().any(|kind| {
            let declared = format!("{kind} {name}");
            source.match_indices(&declared).any(|(at, _)| {
                let next = source[at + declared.len()..].chars().next();
                !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
            })
        });
        assert!(is_declared, "{path} declares no {name}");
        seen += 1;
    }
    assert!(seen > 30, "only {seen} types");
}
