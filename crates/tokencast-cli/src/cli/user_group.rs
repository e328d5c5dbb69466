//! A user of the local stack, and a group that they are in.

use std::str::FromStr;

use crate::stack::users;

/// `USER=GROUP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGroup {
    pub user: String,
    pub group: String,
}

impl FromStr for UserGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known: Vec<_> = users().into_iter().map(|user| user.username).collect();
        let parts = text.split_once('=');
        let parts = parts.filter(|(user, _)| known.iter().any(|it| it == user));
        let Some((user, group)) = parts else {
            let expected = known.iter().map(|user| format!("`{user}=GROUP`"));
            let expected: Vec<_> = expected.collect();
            return Err(format!("expected {}", expected.join(" or ")));
        };
        // Cognito's own rule.
        let is_name = (1..=128).contains(&group.chars().count())
            && !group
                .chars()
                .any(|it| it.is_whitespace() || it.is_control());
        if !is_name {
            return Err("expected a group's name of 1 to 128 characters without spaces".to_owned());
        }
        Ok(Self {
            user: user.to_owned(),
            group: group.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_that_of_a_user_who_is_there() {
        let pro = "alice=pro".parse::<UserGroup>().expect("a group");
        assert_eq!((pro.user.as_str(), pro.group.as_str()), ("alice", "pro"));
        for (text, expected) in [
            ("pro", "expected `alice=GROUP` or `bob=GROUP`"),
            ("carol=pro", "expected `alice=GROUP` or `bob=GROUP`"),
            (
                "bob=",
                "expected a group's name of 1 to 128 characters without spaces",
            ),
            (
                "bob=two words",
                "expected a group's name of 1 to 128 characters without spaces",
            ),
        ] {
            assert_eq!(text.parse::<UserGroup>(), Err(expected.to_owned()));
        }
    }
}
