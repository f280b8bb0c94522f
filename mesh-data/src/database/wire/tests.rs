use super::*;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn observe() -> (Observed<()>, Arc<Activity>) {
    let activity = Arc::<Activity>::default();
    (Observed::new((), activity.clone()), activity)
}

#[test]
fn errors_get_their_sqlstate_wherever_the_bytes_are_cut() {
    let row = message(b'D', &[7; 40]);
    let error = message(b'E', b"SFEHLER\0VERROR\0C42P01\0MRelation fehlt\0Fparse.c\0\0");
    let ready = message(b'Z', b"E");
    let tagged = message(b'E', b"SFEHLER\0VERROR\0C42P01\0M42P01: Relation fehlt\0Fparse.c\0\0");
    let bytes = [&row[..], &error, &ready].concat();
    for cut in 0..bytes.len() {
        let (mut observed, activity) = observe();
        observed.receive(&bytes[..cut]);
        observed.receive(&bytes[cut..]);
        assert_eq!(observed.messages, [&row[..], &tagged, &ready].concat(), "cut at {cut}");
        assert!(activity.in_transaction.load(SeqCst));
        assert_eq!(activity.requests.load(SeqCst), 0);
    }
}

#[test]
fn a_connection_is_reusable_when_the_server_has_completed_all_requests() {
    let (mut observed, activity) = observe();
    let startup = [0, 0, 0, 9, 0, 3, 0, 0, 0];
    assert_eq!(observed.sent.count_requests(&startup), 0);
    assert!(!activity.is_reusable(), "the session has not begun");
    observed.receive(&message(b'Z', b"I"));
    assert!(activity.is_reusable());

    let sent = [message(b'P', b"SSSS"), message(b'S', b""), message(b'Q', b"BEGIN\0")].concat();
    for cut in 0..sent.len() {
        let count = observed.sent.count_requests(&sent[..cut]);
        assert_eq!(count + observed.sent.count_requests(&sent[cut..]), 2, "cut at {cut}");
    }
    activity.requests.fetch_add(2, SeqCst);
    observed.receive(&message(b'Z', b"I"));
    assert!(!activity.is_reusable(), "one request is left");
    observed.receive(&message(b'Z', b"T"));
    assert!(!activity.is_reusable(), "the transaction is open");
    activity.requests.fetch_add(1, SeqCst);
    observed.receive(&message(b'Z', b"I"));
    assert!(activity.is_reusable());
}

#[test]
fn a_connection_with_a_stale_statement_is_not_reusable() {
    let (mut observed, activity) = observe();
    observed.receive(&message(b'E', b"SERROR\0C0A000\0Mcached plan\0\0"));
    observed.receive(&message(b'Z', b"I"));
    assert!(!activity.is_reusable());
}

#[test]
fn a_closed_connection_is_not_reusable() {
    let (mut observed, activity) = observe();
    observed.receive(&message(b'Z', b"I"));
    drop(observed);
    assert!(activity.is_closed() && !activity.is_reusable());
}
