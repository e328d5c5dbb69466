//! The rules of `APPSYNC_JS` that an engine doesn't check. AppSync refuses such code when it is deployed.

use super::lexer::{Kind, Token, tokens};
use crate::errors::CodeError;

/// AppSync's limit on a resolver's code.
const MAX_CODE_BYTES: usize = 32 * 1024;

/// Checks the rules. Returns whether the module has state of its own that would outlive a call.
pub(super) fn check(code: &str) -> Result<bool, CodeError> {
    if code.len() > MAX_CODE_BYTES {
        return Err(CodeError::TooLong {
            bytes: code.len(),
            limit: MAX_CODE_BYTES,
        });
    }
    let tokens = tokens(code);
    for (index, token) in tokens.iter().enumerate() {
        if let Some(rule) = broken_rule(&tokens, index) {
            return Err(CodeError::Rule {
                line: token.line,
                rule,
            });
        }
    }
    Ok(keeps_state(&tokens))
}

fn broken_rule(tokens: &[Token<'_>], index: usize) -> Option<String> {
    let token = tokens[index];
    match token.kind {
        Kind::Regex => {
            Some("regular expression literals are not supported; use `util.matches`".to_owned())
        }
        Kind::Mark if matches!(token.text, "++" | "--") => {
            let instead = if token.text == "++" { "+= 1" } else { "-= 1" };
            Some(format!(
                "`{}` is not supported; use `{instead}`",
                token.text
            ))
        }
        Kind::Mark | Kind::Text => None,
        Kind::Word if is_property(tokens, index) => None,
        Kind::Word => match token.text {
            "try" | "catch" | "finally" | "while" | "do" | "continue" | "class" | "async"
            | "await" | "yield" => Some(format!("`{}` is not supported", token.text)),
            "throw" => Some("`throw` is not supported; use `util.error`".to_owned()),
            "for" if is_c_style(&tokens[index + 1..]) => {
                Some("`for (…; …; …)` is not supported; use `for … of` or `for … in`".to_owned())
            }
            _ => None,
        },
    }
}

/// Whether a word is a property: after a dot, or before a colon or a method's parameters (`a.throw`, `{ do: 1 }`).
fn is_property(tokens: &[Token<'_>], index: usize) -> bool {
    let before = index.checked_sub(1).map(|index| tokens[index].text);
    let after = tokens.get(index + 1).map(|token| token.text);
    let in_object = matches!(before, Some("{" | ","));
    // The `catch` of a `try` follows a closing brace, so this one is a method.
    let is_method =
        in_object && after == Some("(") && matches!(tokens[index].text, "catch" | "finally");
    matches!(before, Some("." | "?."))
        || is_method
        || (in_object && matches!(after, Some(":" | "," | "}")))
}

/// Whether the loop head that follows contains semicolons.
fn is_c_style(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    for token in tokens.iter().filter(|token| token.kind == Kind::Mark) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return false;
                }
            }
            ";" if depth == 1 => return true,
            _ => {}
        }
    }
    false
}

fn keeps_state(tokens: &[Token<'_>]) -> bool {
    let (mut depth, mut before) = (0_usize, "");
    for token in tokens {
        match (token.kind, token.text) {
            (Kind::Mark, "{" | "(" | "[") => depth += 1,
            (Kind::Mark, "}" | ")" | "]") => depth = depth.saturating_sub(1),
            (Kind::Word, "let" | "const" | "var") if depth == 0 => return true,
            // A function can carry properties too. Exported functions are frozen.
            (Kind::Word, "function") if depth == 0 && before != "export" => return true,
            _ => {}
        }
        before = token.text;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_name_the_line_and_do_not_misfire() {
        for (code, broken) in [
            ("export function request(ctx) { return {}; }", None),
            (
                "// try { while (true) }\n/* throw */ const a = 'for (;;) ++ class';",
                None,
            ),
            (
                "const a = `try ${b.throw} while ${`async ${c}`} class`;",
                None,
            ),
            (
                "for (const a of [1, 2]) { b += a; } for (const k in o) { c = k; }",
                None,
            ),
            (
                "const o = { do: 1, try: 2, class: 3 }; o.throw; o?.await;",
                None,
            ),
            (
                "const a = b / c / d; const e = (b) / 2; const f = g[0] / 2;",
                None,
            ),
            ("const a = '\\'++';\nconst b = \"//\"; b;", None),
            ("const trying = 1; const format = forEach;", None),
            ("\n\nfor (let i = 0; i < 3; i += 1) {}", Some((3, "for"))),
            ("const f = () => {\n  throw 1;\n};", Some((2, "throw"))),
            ("a++;", Some((1, "++"))),
            ("`${\na--}`", Some((2, "--"))),
            ("const a = /x[/]y/g;", Some((1, "regular"))),
            ("return /x/;", Some((1, "regular"))),
            ("try { a(); } catch (e) {}", Some((1, "try"))),
            ("while (true) {}", Some((1, "while"))),
            ("const f = async () => 1;", Some((1, "async"))),
            ("class A {}", Some((1, "class"))),
            ("for (const a of b) { continue; }", Some((1, "continue"))),
        ] {
            match (check(code), broken) {
                (Ok(_), None) => {}
                (Err(CodeError::Rule { line, rule }), Some((expected, word))) => {
                    assert_eq!(line, expected, "{code}");
                    assert!(rule.contains(word), "{code}: {rule}");
                }
                (checked, _) => panic!("{code}: {checked:?}"),
            }
        }
    }

    #[test]
    fn a_module_with_variables_keeps_state() {
        for (code, expected) in [
            (
                "import { util } from 'x';\nexport function request(ctx) { let a = 1; return a; }",
                false,
            ),
            (
                "const cache = {};\nexport function request() { return cache; }",
                true,
            ),
            ("let n = 0;", true),
            (
                "function a() {} export function request() { a.n = 1; }",
                true,
            ),
        ] {
            assert_eq!(check(code).expect("allowed"), expected, "{code}");
        }
    }

    #[test]
    fn code_has_a_size_limit() {
        let code = " ".repeat(MAX_CODE_BYTES + 1);
        assert!(matches!(check(&code), Err(CodeError::TooLong { .. })));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let pieces = [
            "`", "${", "}", "{", "'", "\"", "\\", "/", "*", "//", "\n", "é", "a", "for", "(", ";",
            "[", "😀", "++",
        ];
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let code: String = (0..random.usize(0..12))
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            let read: usize = tokens(&code).iter().map(|token| token.text.len()).sum();
            assert!(read <= code.len(), "{code}");
            let _ = check(&code);
        }
    }
}
