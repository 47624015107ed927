//! The library in unusual places: containers, several copies, linked in statically.

mod common;

use common::{all, compile, compile_with, library, loops, oxuv, scratch, Running};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Returns the pids of the children of a process, as seen from here.
fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// Starts a planted program in namespaces of its own, with program and library on a file system that is
/// mounted only there. Returns nothing where that is not allowed.
fn in_container(arguments: &[&str]) -> Option<(Running, u32)> {
    let namespaces =
        ["--user", "--map-root-user", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"];
    let allowed = Command::new("unshare").args(namespaces).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        common::skip("no namespaces");
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
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert!(list["processes"].as_array().unwrap().iter().any(|it| it["pid"] == pid), "{list:#}");
    // From beside it.
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--pid", "--target", &pid.to_string(), common::OXUV]);
    let output = command.args(["why", "1"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let known = text.starts_with("process 1: ") && text.contains("thread 1 (program)");
    assert!(known, "{}{text}", String::from_utf8_lossy(&output.stderr));
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
    let mut command = Command::new(compile("copies", &["-ldl"]));
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

#[test]
fn a_library_that_is_linked_in_and_stripped() {
    let archive = library().parent().unwrap().join("../../debug/libuv.a");
    let libraries = [archive.to_str().unwrap(), "-lgcc_s", "-ldl", "-lm"];
    let program = compile_with("planted", &libraries, &["-s"]);
    let program = Running::start(Command::new(program).arg("backlog"));
    let text = program.why_text(&["kept alive by 2 handles, 1 request:"]);
    // There are no symbols, and the file's addresses stand for them.
    assert!(text.contains("→ planted+0x"), "{text}");
    let path = std::fs::read_link(format!("/proc/{}/exe", program.pid())).unwrap();
    assert!(text.contains(&format!(" in {}", path.display())), "{text}");
}

#[test]
fn debug_information_in_a_file_of_its_own() {
    let program = compile("planted", &[]);
    let debug = program.with_file_name("planted.debug");
    let objcopy = |option: &str, files: &[&Path]| {
        let status = Command::new("objcopy").arg(option).args(files).status();
        assert!(status.unwrap().success());
    };
    objcopy("--only-keep-debug", &[&program, &debug]);
    objcopy("--strip-all", &[&program]);
    objcopy(&format!("--add-gnu-debuglink={}", debug.display()), &[&program]);
    let program = Running::start(Command::new(program).arg("socket"));
    program.why_text(&["→ on_connection", "→ on_read"]);
}

#[test]
fn a_core_file() {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let directory = scratch("core-file");
    let script =
        format!("cd {} && ulimit -c unlimited && exec \"$0\" backlog", directory.display());
    let mut program =
        Running::start(Command::new("sh").arg("-c").arg(script).arg(common::planted()));
    program.why_text(&["kept alive by 2 handles, 1 request:"]);
    // SAFETY: no pointers; the process is a child that was not waited for.
    unsafe { libc::kill(program.pid() as i32, libc::SIGABRT) };
    program.child.wait().unwrap();
    let files = std::fs::read_dir(&directory).unwrap().flatten();
    let Some(core) =
        files.map(|file| file.path()).find(|path| path.to_string_lossy().contains("/core"))
    else {
        common::skip(&format!("no core file, as core_pattern is {pattern}"));
        return;
    };
    let core = core.to_str().unwrap();
    let read = |arguments: &[&str]| {
        let output = oxuv(&[&["why", "--core", core], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = read(&[]);
    assert!(text.starts_with(&format!("process {}: ", program.pid())), "{text}");
    for part in ["waits for events\n", "→ on_connection", "→ on_written", "wait to be written"]
    {
        assert!(text.contains(part), "{text}");
    }
    // The program may be elsewhere when its core is read.
    let moved = directory.join("moved");
    std::fs::copy(common::planted(), &moved).unwrap();
    assert!(read(&["--exe", moved.to_str().unwrap()]).contains("→ on_connection"));
    // Cut off, it lacks the library's memory.
    std::fs::File::options().write(true).open(core).unwrap().set_len(20_000).unwrap();
    let (status, sentence) = common::refused(&["why", "--core", core]);
    assert_eq!((status, sentence.contains("cut off")), (1, true), "{sentence}");
}
