//! The tree of a conversation's turns.

use std::collections::{HashMap, HashSet};

use super::TurnHead;
use crate::id::SessionId;
use crate::time::Timestamp;

/// A turn's place among all turns of its conversation, oldest first. Turns that began in the same millisecond are
/// ordered by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TurnPosition {
    pub created_at: Timestamp,
    pub session_id: SessionId,
}

/// Which of the versions of a turn one is: 2 of 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionOf {
    pub number: usize,
    pub count: usize,
}

impl TurnHead {
    pub fn position(&self) -> TurnPosition {
        TurnPosition {
            created_at: self.created_at,
            session_id: self.session_id,
        }
    }
}

/// Puts turns into their order, oldest first.
pub fn sort(turns: &mut [TurnHead]) {
    turns.sort_by_key(TurnHead::position);
}

/// The turns from the beginning of the conversation to `last`, each the next one's parent. A turn that is gone begins
/// the chain anew: it has only what follows it.
pub fn chain(turns: &[TurnHead], last: SessionId) -> Vec<&TurnHead> {
    let by_id: HashMap<_, _> = turns.iter().map(|turn| (turn.session_id, turn)).collect();
    let mut seen = HashSet::new();
    let mut chain: Vec<_> = std::iter::successors(by_id.get(&last), |turn| {
        turn.parent.as_ref().and_then(|parent| by_id.get(parent))
    })
    .copied()
    .take_while(|turn| seen.insert(turn.session_id))
    .collect();
    chain.reverse();
    chain
}

/// All turns, each before those that continue it, and the versions of a turn one after another, each with what follows
/// it. Says of each which version it is.
pub fn in_order<'a>(turns: &'a [TurnHead]) -> Vec<(&'a TurnHead, VersionOf)> {
    let known: HashSet<_> = turns.iter().map(|turn| turn.session_id).collect();
    let mut children: HashMap<Option<SessionId>, Vec<&'a TurnHead>> = HashMap::new();
    for turn in turns {
        // A turn whose parent is gone begins the conversation.
        let parent = turn.parent.filter(|parent| known.contains(parent));
        children.entry(parent).or_default().push(turn);
    }
    for versions in children.values_mut() {
        versions.sort_by_key(|turn| turn.position());
    }
    let versions = |parent| {
        let versions: &[&'a TurnHead] = children.get(&parent).map_or(&[], Vec::as_slice);
        let count = versions.len();
        // The last is pushed first, so that the first is taken first.
        let numbered = versions.iter().enumerate().rev();
        let version = move |(at, turn): (usize, &&'a TurnHead)| {
            let number = at + 1;
            (*turn, VersionOf { number, count })
        };
        numbered.map(version).collect::<Vec<_>>()
    };
    let mut waiting = versions(None);
    let mut ordered = Vec::with_capacity(turns.len());
    while let Some(next) = waiting.pop() {
        ordered.push(next);
        waiting.extend(versions(Some(next.0.session_id)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> SessionId {
        Uuid::from_u128(number).into()
    }

    /// Turns as (id, parent), one a millisecond; a parent of 0 is none.
    fn turns(of: &[(u128, u128)]) -> Vec<TurnHead> {
        let turns = of.iter().zip(0..).map(|((number, parent), at)| {
            let parent = (*parent > 0).then(|| id(*parent));
            let now = Timestamp::from_millis(at);
            TurnHead::new(id(*number), parent, "?", Timestamp::MAX, now)
        });
        turns.collect()
    }

    #[test]
    fn a_chain_leads_from_the_beginning_to_its_turn() {
        let all = turns(&[(1, 0), (2, 1), (3, 2), (4, 1), (5, 4), (6, 0), (7, 9)]);
        let check = |last: u128, expected: &[u128]| {
            let expected: Vec<_> = expected.iter().map(|it| id(*it)).collect();
            let chain: Vec<_> = chain(&all, id(last))
                .iter()
                .map(|it| it.session_id)
                .collect();
            assert_eq!(chain, expected, "{last}");
        };
        check(3, &[1, 2, 3]);
        check(5, &[1, 4, 5]);
        check(1, &[1]);
        check(6, &[6]);
        check(7, &[7]);
        check(8, &[]);
    }

    #[test]
    fn turns_come_with_what_follows_them_and_their_versions() {
        let all = turns(&[(5, 0), (2, 5), (3, 2), (4, 5), (1, 4), (6, 0), (7, 9)]);
        let ordered = in_order(&all);
        let ordered: Vec<_> = ordered
            .iter()
            .map(|(turn, version)| (turn.session_id, version.number, version.count))
            .collect();
        let expected = [
            (5, 1, 3),
            (2, 1, 2),
            (3, 1, 1),
            (4, 2, 2),
            (1, 1, 1),
            (6, 2, 3),
            (7, 3, 3),
        ];
        assert_eq!(
            ordered,
            expected.map(|(number, of, count)| (id(number), of, count))
        );
    }
}
