//! The questions that the tool is there to answer, each planted in a program.

mod common;

use common::{all, has, loops, scratch, Running};
use serde_json::Value;

/// Returns the handles that keep a loop alive.
fn kept_by(answer: &Value) -> Vec<&Value> {
    all(answer, "handles").into_iter().filter(|it| it["keeps_alive"] == true).collect()
}

fn is_waiting(answer: &Value) -> bool {
    loops(answer).first().is_some_and(|it| it["now"]["state"] == "waiting")
}

#[test]
fn a_callback_that_blocks() {
    let program = Running::planted(&["callback"]);
    let answer = program.why(|answer| {
        loops(answer).first().is_some_and(|it| has(&it["now"], "function", "callback_that_blocks"))
    });
    let now = &loops(&answer)[0]["now"];
    assert_eq!((now["state"].as_str(), now["kind"].as_str()), (Some("callback"), Some("timer")));
    assert_eq!(loops(&answer)[0]["tid"], program.pid());
    program.why_text(&["in callback callback_that_blocks for", "blocked in futex"]);
}

#[test]
fn an_idle_callback_that_blocks() {
    let program = Running::planted(&["idle"]);
    program.why_text(&["in callback idle_that_blocks for"]);
}

#[test]
fn a_timer_that_keeps_the_process_alive() {
    let program = Running::planted(&["timer"]);
    let answer = program.why(is_waiting);
    let kept = kept_by(&answer);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["type"], "timer");
    assert!(has(kept[0], "what", "due in 59 min") || has(kept[0], "what", "due in 60 min"));
    assert!(has(kept[0], "what", ", repeating every 5.0 s"), "{answer:#}");
    assert_eq!(kept[0]["function"], "timer_that_repeats");
    assert_eq!(all(&answer, "handles").len(), 2);
    program.why_text(&["kept alive by 1 handle:", "1 other handle", "waits for events since"]);
}

#[test]
fn a_leaked_socket() {
    let program = Running::planted(&["socket"]);
    let answer = program.why(is_waiting);
    let kept = kept_by(&answer);
    let listening = kept.iter().find(|it| has(it, "what", "listening on 127.0.0.1:")).unwrap();
    let address = listening["what"].as_str().unwrap().trim_start_matches("listening on ");
    assert_eq!(listening["function"], "on_connection");
    let connected = format!("connected to {address} from 127.0.0.1:");
    let client = kept.iter().find(|it| has(it, "what", &connected)).unwrap();
    assert!(has(client, "what", ", reading"));
    assert_eq!(client["function"], "on_read");
}

#[test]
fn a_stream_whose_peer_does_not_read() {
    let program = Running::planted(&["backlog"]);
    let answer = program.why(is_waiting);
    let kept = kept_by(&answer);
    let stream = kept.iter().find(|it| it["queued_bytes"].as_u64() > Some(1 << 20)).unwrap();
    assert!(has(stream, "what", "wait to be written in 1 write, the oldest for"), "{stream}");
    let write = all(&answer, "requests").into_iter().find(|it| it["type"] == "write").unwrap();
    assert_eq!(write["function"], "on_written");
    assert!(write["seconds"].as_f64().is_some_and(|age| age < 3600.0), "{write}");
}

#[test]
fn a_full_pool() {
    let program = Running::planted(&["pool"]);
    let answer = program.why(is_waiting);
    let pool = &answer["libraries"][0]["pool"];
    let busy = pool["threads"].as_array().unwrap().iter().filter(|it| it["type"] == "work");
    assert_eq!((busy.count(), pool["queued"].as_u64()), (4, Some(3)), "{pool:#}");
    let requests = all(&answer, "requests");
    let of = |place: &str| requests.iter().filter(|it| it["place"] == place).count();
    assert_eq!((of("running"), of("queued")), (4, 3));
    assert!(requests.iter().all(|it| it["what"] == "work_that_blocks"));
    assert!(requests.iter().all(|it| it["function"] == "after_work"));
    let age = |it: &&&Value| it["seconds"].as_f64().is_some_and(|age| age < 3600.0);
    assert_eq!(requests.iter().filter(age).count(), 7, "{requests:#?}");
    program
        .why_text(&["pool: 4 of 4 threads busy, at most 4; 3 queued", "kept alive by 7 requests"]);
}

#[test]
fn look_ups_that_hang() {
    let program = Running::planted(&["lookups"]);
    let answer = program.why(is_waiting);
    let requests = all(&answer, "requests");
    for number in 0..4 {
        let host = format!("host{number}.example:https");
        let request = requests.iter().find(|it| it["what"] == host.as_str()).unwrap();
        assert_eq!(
            (&request["type"], &request["function"]),
            (&"getaddrinfo".into(), &"on_address".into())
        );
    }
    assert_eq!(requests.iter().filter(|it| it["place"] == "running").count(), 2, "{answer:#}");
    assert_eq!(requests.iter().filter(|it| it["place"] == "queued").count(), 2);
}

#[test]
fn a_file_that_does_not_open() {
    let fifo = scratch("fifo").join("a fifo");
    let status = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(status.success());
    let path = fifo.to_str().unwrap();
    let program = Running::planted(&["file", path]);
    let answer =
        program.why(|it| all(it, "requests").first().is_some_and(|it| it["place"] == "running"));
    let request = all(&answer, "requests")[0];
    assert_eq!(request["what"], format!("open {path}").as_str());
    assert_eq!(request["function"], "on_opened");
}

#[test]
fn a_loop_of_another_thread_that_spins() {
    let program = Running::planted(&["thread"]);
    let spins = |it: &&Value| has(&it["now"], "function", "callback_that_spins");
    let answer = program.why(|answer| loops(answer).iter().any(spins));
    let it = loops(&answer).into_iter().find(spins).unwrap().clone();
    assert_ne!(it["tid"], program.pid());
    assert_eq!(it["now"]["kind"], "async");
    program.why_text(&["in callback callback_that_spins for", "waits for events since"]);
}

#[test]
fn handles_of_each_type() {
    let directory = scratch("handles");
    let path = directory.to_str().unwrap();
    let program = Running::planted(&["handles", path]);
    let child: i32 = program.printed.parse().unwrap();
    let text = program.why_text(&[
        "waits for SIGUSR2 → on_signal",
        &format!("watching {path} → on_fs_event"),
        &format!("polling {path} → on_fs_poll"),
        "udp         bound to 127.0.0.1:",
        "is readable → on_poll",
        "called in each iteration → on_check",
        &format!("listening on {path}/listener → on_connection"),
        &format!("child {child}, planted → on_exit_of_child"),
    ]);
    // SAFETY: no pointers. The child is of the planted program, which lives until the end.
    unsafe { libc::kill(child, libc::SIGKILL) };
    assert!(text.contains("kept alive by 8 handles"), "{text}");
}
