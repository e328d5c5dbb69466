//! The calls of tools in an answer, each with an id of its own.
//!
//! Front ends tell calls apart by their ids, and fail at a result without a call. A model may use an id twice, though, and
//! give a result to nothing. So a further use of an id gets a number behind it (`t1:2`), a result belongs to the last use
//! before it, and one without a use is left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokencast_core::block::BlockIndex;

/// The calls so far, in the order of an answer's blocks.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    by_block: HashMap<BlockIndex, Arc<str>>,
    taken: HashSet<Arc<str>>,
    /// By the model's id, that of its last use.
    last: HashMap<Arc<str>, Arc<str>>,
}

impl ToolCalls {
    /// The id of the call that a block is. `tool_use_id` is the model's.
    pub(crate) fn of_use(&mut self, block: BlockIndex, tool_use_id: &Arc<str>) -> Arc<str> {
        if let Some(id) = self.by_block.get(&block) {
            return Arc::clone(id);
        }
        let mut id = Arc::clone(tool_use_id);
        let mut number = 1;
        while !self.taken.insert(Arc::clone(&id)) {
            number += 1;
            id = format!("{tool_use_id}:{number}").into();
        }
        self.by_block.insert(block, Arc::clone(&id));
        self.last.insert(Arc::clone(tool_use_id), Arc::clone(&id));
        id
    }

    /// The id of the call that a result is of; `None` if there is no such call before it.
    pub(crate) fn of_result(&self, tool_use_id: &str) -> Option<Arc<str>> {
        self.last.get(tool_use_id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_has_an_id_of_its_own_and_a_result_is_of_the_last_one() {
        let mut calls = ToolCalls::default();
        let mut of_use = |block, id: &str| calls.of_use(BlockIndex(block), &id.into()).to_string();
        assert_eq!(of_use(0, "t"), "t");
        assert_eq!(of_use(1, "t:2"), "t:2");
        assert_eq!(of_use(2, "t"), "t:3");
        assert_eq!(of_use(0, "t"), "t");
        assert_eq!(calls.of_result("t").as_deref(), Some("t:3"));
        assert_eq!(calls.of_result("t:2").as_deref(), Some("t:2"));
        assert_eq!(calls.of_result("t:3"), None);
        assert_eq!(calls.of_result("u"), None);
    }
}
