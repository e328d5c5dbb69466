//! Where an operator's command works: a local stack's port, a table.

/// Reads a port to listen on.
///
/// # Errors
///
/// It is none: what was expected.
pub(super) fn port_or_any(text: &str) -> Result<u16, String> {
    let port = text.parse();
    port.map_err(|_| "expected a port, 1 to 65535, or 0 for any".to_owned())
}

/// Reads a port that is listened on.
///
/// # Errors
///
/// It is none: what was expected.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "expected a port, 1 to 65535".to_owned())
}

/// Reads a table's name, by DynamoDB's own rule, or its ARN.
///
/// # Errors
///
/// It is neither: what was expected.
pub(super) fn table(text: &str) -> Result<String, String> {
    let is_named = |it: char| it.is_ascii_alphanumeric() || "_.-".contains(it);
    let is_name = (3..=255).contains(&text.len()) && text.chars().all(is_named);
    if is_name || text.starts_with("arn:") {
        return Ok(text.to_owned());
    }
    Err(
        "expected a table's name, of 3 to 255 letters, digits, `_`, `-` and `.`, or its ARN"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_port_or_a_table() {
        for (text, expected) in [
            ("4680", Some(4680)),
            ("65535", Some(65535)),
            ("0", None),
            ("65536", None),
            ("x", None),
        ] {
            assert_eq!(port(text).ok(), expected, "{text}");
        }
        let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/Quotas";
        for (text, is_table) in [
            ("Quotas_1.a-b", true),
            (arn, true),
            ("x", false),
            ("two words", false),
            ("", false),
        ] {
            assert_eq!(table(text).is_ok(), is_table, "{text}");
        }
    }
}
