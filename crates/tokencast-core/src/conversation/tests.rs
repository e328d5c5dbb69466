use super::*;

const TTL: Duration = Duration::from_hours(24);
const DAY: Duration = Duration::from_hours(24);
const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn owner(name: &str) -> Owner {
    Owner::new(name).expect("not empty")
}

fn id() -> ConversationId {
    "5f0c2a5e-6a52-4f0b-b0a5-3f7e1f5b8a11"
        .parse()
        .expect("a UUID")
}

fn add(
    current: Option<Conversation>,
    by: &str,
    now: Timestamp,
) -> Result<Conversation, TurnRefused> {
    let added = Added {
        session_id: SessionId::random(),
        prompt: "Why do rivers meander?",
        assistant: None,
        ttl: TTL,
    };
    Conversation::add_turn(current, id(), &owner(by), added, now)
}

fn new() -> Conversation {
    add(None, "me", NOW).expect("new")
}

#[test]
fn a_conversation_takes_turns_of_its_owner_until_it_is_full() {
    let first = new();
    assert_eq!(first.title, "Why do rivers meander?");
    assert_eq!(
        add(Some(first.clone()), "you", NOW),
        Err(TurnRefused::OtherOwner)
    );
    let second = add(Some(first.clone()), "me", NOW + DAY / 2).expect("mine");
    assert_eq!((second.turn_count, second.created_at), (2, NOW));
    assert_eq!(second.listed_at, NOW + DAY / 2);
    let back = add(Some(second.clone()), "me", NOW).expect("mine");
    assert_eq!(back.listed_at, second.listed_at, "a clock that went back");
    let full = Conversation {
        turn_count: MAX_TURNS,
        ..first.clone()
    };
    assert_eq!(add(Some(full), "me", NOW), Err(TurnRefused::Full));
    let deleted = Conversation::delete(Some(first), &owner("me"), NOW).expect("mine");
    assert_eq!(add(Some(deleted), "me", NOW), Err(TurnRefused::Deleted));
}

#[test]
fn a_conversation_ends_after_its_last_turn_and_its_id_is_free_again() {
    let first = new();
    let second = add(Some(first), "me", NOW + DAY / 2).expect("mine");
    let last = NOW + DAY / 2 + TTL;
    assert!(!second.is_expired(last - Duration::from_secs(1)) && second.is_expired(last));
    assert_eq!(second.clone().visible_to(&owner("me"), last), None);
    let anew = add(Some(second), "you", last).expect("free");
    assert_eq!((anew.turn_count, anew.created_at), (1, last));
}

#[test]
fn turns_are_kept_as_long_as_their_conversation() {
    let first = new();
    assert_eq!(
        first.extension(TTL, NOW),
        None,
        "all its items have its time"
    );
    assert_eq!(first.turn_expires_at(), first.expires_at + TTL / 2);
    let soon = NOW + DAY / 2;
    let second = add(Some(first), "me", soon).expect("mine");
    assert_eq!(second.extension(TTL, soon), None, "long enough");
    let due = NOW + DAY * 3 / 4;
    let third = add(Some(second), "me", due).expect("mine");
    let to = third.extension(TTL, due).expect("due");
    assert_eq!(to, third.expires_at + TTL / 2);
    let fourth = add(Some(third), "me", due).expect("mine");
    assert_eq!(
        fourth.clone().extended(to, 3),
        None,
        "its items may be kept shorter"
    );
    let fourth = fourth.extended(to, 4).expect("all are extended");
    assert_eq!(fourth.extension(TTL, due), None);
    assert_eq!(fourth.turn_expires_at(), to);
    let soon = add(Some(fourth.clone()), "me", due + DAY / 2).expect("mine");
    assert_eq!(soon.extension(TTL, due + DAY / 2), None, "long enough");
    let late = due + DAY * 3 / 4;
    let fifth = add(Some(fourth), "me", late).expect("mine");
    assert!(fifth.extension(TTL, late).is_some());
    let deleted = Conversation::delete(Some(fifth), &owner("me"), late).expect("mine");
    assert_eq!(deleted.extension(TTL, late), None);
}

#[test]
fn a_tombstone_says_nothing_and_stays() {
    let mine = owner("me");
    for current in [None, Some(new())] {
        let theirs = Conversation::delete(current, &owner("you"), NOW);
        assert_eq!(theirs, Err(NotFound));
    }
    let deleted = Conversation::delete(Some(new()), &mine, NOW).expect("mine");
    assert_eq!(
        (deleted.title.as_str(), deleted.deleted_at),
        ("", Some(NOW))
    );
    assert_eq!(deleted.clone().visible_to(&mine, NOW), None);
    assert_eq!(
        Conversation::rename(Some(deleted.clone()), &mine, "a", NOW),
        Err(NotFound)
    );
    assert_eq!(deleted.clone().ask_title(NOW), None);
    assert_eq!(deleted.clone().entitle("a", NOW), None);
    let again = Conversation::delete(Some(deleted.clone()), &mine, NOW + DAY);
    assert_eq!(again, Ok(deleted.clone()));
    let gone = NOW + TOMBSTONE_TTL;
    assert_eq!(
        Conversation::delete(Some(deleted), &mine, gone),
        Err(NotFound)
    );
}

#[test]
fn a_persons_title_stays() {
    let mine = owner("me");
    let asked = new().ask_title(NOW).expect("once");
    assert_eq!(asked.clone().ask_title(NOW), None, "once");
    let entitled = asked.clone().entitle("Rivers", NOW).expect("a model's");
    assert_eq!(entitled.title_from, TitleFrom::Model);
    let renamed = Conversation::rename(Some(entitled), &mine, "Mine", NOW).expect("mine");
    assert_eq!(renamed.entitle("Rivers", NOW), None);
    let renamed = Conversation::rename(Some(new()), &mine, "Mine", NOW).expect("mine");
    assert_eq!(renamed.clone().ask_title(NOW), None);
    assert_eq!(
        Conversation::rename(Some(renamed.clone()), &mine, "Mine", NOW + DAY / 2),
        Ok(renamed)
    );
}
