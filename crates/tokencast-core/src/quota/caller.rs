//! Who asks.

use crate::id::Owner;

/// A signed-in user, with the groups of the user pool that they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub owner: Owner,
    pub groups: Vec<String>,
}

impl Caller {
    pub fn new(owner: Owner, groups: Vec<String>) -> Self {
        Self { owner, groups }
    }
}

/// A user in no group.
impl From<Owner> for Caller {
    fn from(owner: Owner) -> Self {
        Self::new(owner, Vec::new())
    }
}
