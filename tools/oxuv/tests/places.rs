//! The library in unusual places: containers, several copies, linked in statically.

mod common;

use common::{all, compile, library, loops, oxuv, scratch, Running};
use serde_json::Value;
use std::process::Command;

/// Returns the pids of the children of a process, as seen from here.
fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// Starts a planted program in namespaces of its own, with program and library on a file system that is
/// mounted only there. Returns nothing where that is not allowed.
fn in_container(arguments: &[&str]) -> Option<(Running, u32)> {
    let namespaces = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"];
    let allowed = Command::new("unshare").args(namespaces).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no namespaces");
        return None;
    }
    let place = scratch("container").display().to_string();
    let script = format!(
        "mount -t tmpfs none {place} && cp {} {place}/program && cp -L {} {place}/libuv.so.1 &&
         LD_LIBRARY_PATH={place} exec {place}/program {}",
        common::planted().display(),
        library().display(),
        arguments.join(" ")
    );
    let mut command = Command::new("unshare");
    let running = Running::start(command.args(namespaces).args(["sh", "-c", &script]));
    let inner = children(running.pid())[0];
    Some((running, inner))
}

#[test]
fn a_process_in_a_container() {
    let Some((_running, pid)) = in_container(&["backlog"]) else { return };
    let output = oxuv(&["why", &pid.to_string()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("/container/libuv.so.1"), "{text}");
    // The process takes its thread for number 1.
    assert!(text.contains(&format!("thread {pid} (program)")), "{text}");
    assert!(text.contains("listening on 127.0.0.1:") && text.contains("→ on_connection"), "{text}");
    let list = oxuv(&["ps", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert!(list["processes"].as_array().unwrap().iter().any(|it| it["pid"] == pid), "{list:#}");
}

#[test]
fn copies_of_the_library_are_shown_apart() {
    let directory = scratch("copies");
    let copies: Vec<_> = ["libuv-first.so", "libuv-second.so"]
        .iter()
        .map(|name| directory.join(name).display().to_string())
        .collect();
    for copy in &copies {
        std::fs::copy(library(), copy).unwrap();
    }
    let program = Running::start(Command::new(compile("copies", &["-ldl"])).args(&copies));
    // It runs no loop, but all have run.
    let answer = program.why(|answer| answer["libraries"].as_array().map(Vec::len) == Some(2));
    for (number, copy) in copies.iter().enumerate() {
        let libraries = answer["libraries"].as_array().unwrap();
        let found = libraries.iter().find(|it| it["path"] == copy.as_str()).unwrap();
        let its = found["loops"].as_array().unwrap();
        assert_eq!((its.len(), its[0]["handles"].as_array().unwrap().len()), (1, number + 1));
    }
}

#[test]
fn a_library_that_was_deleted() {
    let directory = scratch("deleted");
    let copy = directory.join("libuv-deleted.so");
    std::fs::copy(library(), &copy).unwrap();
    let mut command = Command::new(compile("copies", &["-ldl", "-DDELETED"]));
    let program = Running::start(command.arg(&copy));
    std::fs::remove_file(&copy).unwrap();
    let path = format!("{} (deleted)", copy.display());
    let answer = program.why(|answer| {
        let libraries = answer["libraries"].as_array();
        libraries.is_some_and(|all| all.iter().any(|it| it["path"] == path.as_str()))
    });
    assert_eq!(all(&answer, "handles").len(), 1);
    assert_eq!(loops(&answer).len(), 1);
}
