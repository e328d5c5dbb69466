//! The numbers of an answer's blocks.

use super::{BlockIndex, BlockType};

/// Numbers an answer's blocks 0, 1, 2 … in the order of their first pieces.
///
/// A model gives pieces of several types the same number, for instance a text and its citations. Here a block has one
/// type. A citation is a block of its own, and ends the text before it: the text after it is the next block, so a
/// reader sees where the citation belongs.
#[derive(Clone, Debug, Default)]
pub struct BlockNumbers {
    next: u32,
    /// The blocks that may go on, newest last.
    open: Vec<(i32, BlockType, BlockIndex)>,
}

impl BlockNumbers {
    /// The number of the block that a piece belongs to. `of_model` is the model's own number of the block.
    ///
    /// ```
    /// use tokencast_core::block::{BlockIndex, BlockNumbers, BlockType};
    ///
    /// let mut numbers = BlockNumbers::default();
    /// assert_eq!(numbers.number(0, BlockType::Text), BlockIndex(0));
    /// assert_eq!(numbers.number(0, BlockType::Citation), BlockIndex(1));
    /// assert_eq!(numbers.number(0, BlockType::Text), BlockIndex(2));
    /// ```
    pub fn number(&mut self, of_model: i32, block_type: BlockType) -> BlockIndex {
        if block_type == BlockType::Citation {
            self.open.retain(|(_, open, _)| *open != BlockType::Text);
            return self.begin();
        }
        let mut open = self.open.iter().rev();
        let known = open.find(|open| (open.0, open.1) == (of_model, block_type));
        if let Some((.., index)) = known {
            return *index;
        }
        let index = self.begin();
        self.open.push((of_model, block_type, index));
        index
    }

    fn begin(&mut self) -> BlockIndex {
        let index = BlockIndex(self.next);
        self.next += 1;
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(i32, BlockType)], expected: &[u32]) {
        let mut numbers = BlockNumbers::default();
        let numbered = pieces
            .iter()
            .map(|(of_model, of)| numbers.number(*of_model, *of).0);
        assert_eq!(numbered.collect::<Vec<_>>(), expected, "{pieces:?}");
    }

    #[test]
    fn blocks_are_numbered_as_they_begin() {
        use BlockType::{Citation, Reasoning, Text, ToolResult, ToolUse};
        check(&[(0, Text), (0, Text)], &[0, 0]);
        check(&[(3, Text), (7, Text), (3, Text)], &[0, 1, 0]);
        check(&[(0, Reasoning), (0, Text), (1, Text)], &[0, 1, 2]);
        check(
            &[
                (0, Text),
                (0, Citation),
                (0, Citation),
                (0, Text),
                (0, Text),
            ],
            &[0, 1, 2, 3, 3],
        );
        check(
            &[
                (0, Reasoning),
                (1, Text),
                (1, Citation),
                (0, Reasoning),
                (1, Text),
            ],
            &[0, 1, 2, 0, 3],
        );
        check(
            &[(0, ToolUse), (1, ToolUse), (0, ToolUse), (2, ToolResult)],
            &[0, 1, 0, 2],
        );
    }
}
