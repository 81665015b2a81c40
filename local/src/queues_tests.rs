use super::*;

fn queues(visibility: Duration) -> Queues {
    let dead_letters = Some(("Dead".to_owned(), 3));
    let queue = Queue {
        id: "Queue".to_owned(),
        visibility,
        dead_letters,
    };
    let dead = Queue {
        id: "Dead".to_owned(),
        visibility,
        dead_letters: None,
    };
    Queues::new(&[queue, dead])
}

async fn receive(queues: &Queues) -> Vec<Message> {
    queues.queues["Queue"].receive(2, Duration::ZERO).await
}

fn finish(queues: &Queues, batch: Vec<Message>, failed: &[String]) {
    queues.finish(&queues.queues["Queue"], batch, failed);
}

fn bodies(batch: &[Message]) -> Vec<&str> {
    batch.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_batches_until_they_are_done() {
    let queues = queues(Duration::from_secs(90));
    for body in ["a", "b", "c"] {
        queues.send("Queue", body.to_owned());
    }
    let batch = receive(&queues).await;
    assert_eq!(bodies(&batch), ["a", "b"]);
    finish(&queues, batch, &[]);
    let batch = receive(&queues).await;
    assert_eq!(bodies(&batch), ["c"]);
    assert!(
        !queues.are_empty(["Queue"]),
        "what is being delivered counts"
    );
    finish(&queues, batch, &[]);
    assert!(queues.are_empty(["Queue"]));
}

#[tokio::test(start_paused = true)]
async fn a_message_may_be_put_off() {
    let queues = queues(Duration::from_secs(90));
    let (queue, start) = ("Queue", Instant::now());
    queues.send_later(queue, "a".to_owned(), Duration::from_secs(5));
    assert!(!queues.are_empty([queue]), "it is there all the same");
    assert_eq!(bodies(&receive(&queues).await), ["a"]);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_waits_for_its_window() {
    let queues = queues(Duration::from_secs(90));
    let receive = || queues.queues["Queue"].receive(2, Duration::from_secs(3));
    let (queue, start) = ("Queue", Instant::now());
    queues.send(queue, "a".to_owned());
    assert_eq!(bodies(&receive().await), ["a"]);
    assert_eq!(start.elapsed().as_secs(), 3);
    queues.send(queue, "b".to_owned());
    queues.send_later(queue, "c".to_owned(), Duration::from_secs(1));
    assert_eq!(bodies(&receive().await), ["b", "c"]);
    assert_eq!(start.elapsed().as_secs(), 4, "a full one does not");
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_comes_again_after_a_growing_wait() {
    let queues = queues(Duration::from_secs(90));
    queues.send("Queue", "a".to_owned());
    queues.send("Queue", "b".to_owned());
    let batch = receive(&queues).await;
    let failed = [batch[1].id.clone()];
    finish(&queues, batch, &failed);
    let start = Instant::now();
    let batch = receive(&queues).await;
    assert_eq!((bodies(&batch), batch[0].receives), (vec!["b"], 2));
    finish(&queues, batch, &failed);
    receive(&queues).await;
    let waited = start.elapsed().as_millis();
    assert!(
        (750..760).contains(&waited),
        "250 ms and 500 ms, not {waited} ms"
    );
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_longer_than_the_visibility_timeout() {
    let queue = &queues(Duration::from_secs(1)).queues["Queue"].queue.clone();
    assert_eq!(queue.wait(1), FIRST_WAIT);
    assert_eq!(queue.wait(50), Duration::from_secs(1));
    assert_eq!(
        queues(Duration::from_secs(90)).queues["Queue"]
            .queue
            .wait(50),
        LONGEST_WAIT
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_keeps_failing_becomes_a_dead_letter() {
    let queues = queues(Duration::from_secs(90));
    queues.send("Queue", "a".to_owned());
    for _ in 0..3 {
        let batch = receive(&queues).await;
        let failed = [batch[0].id.clone()];
        finish(&queues, batch, &failed);
    }
    assert!(queues.are_empty(["Queue"]));
    assert_eq!(bodies(&queues.messages("Dead")), ["a"]);
}

#[tokio::test]
async fn an_answer_names_what_failed() {
    let queues = queues(Duration::from_secs(90));
    queues.send("Queue", "a".to_owned());
    queues.send("Queue", "b".to_owned());
    let batch = receive(&queues).await;
    let (a, b) = (batch[0].id.clone(), batch[1].id.clone());
    let judge = |answer: Value| failures(answer.to_string().as_bytes(), &batch, true);
    assert_eq!(
        judge(json!({ "batchItemFailures": [{ "itemIdentifier": a }] })),
        std::slice::from_ref(&a)
    );
    assert_eq!(
        judge(json!({ "batchItemFailures": [{ "itemIdentifier": "unknown" }] })),
        [a.clone(), b.clone()]
    );
    assert_eq!(failures(b"no JSON", &batch, true), [a, b]);
    assert!(judge(json!({ "batchItemFailures": [] })).is_empty());
    assert!(judge(json!(null)).is_empty());
    assert!(
        failures(b"no JSON", &batch, false).is_empty(),
        "nobody reads such an answer"
    );
}
