//! Bad input: one sentence and an exit status.

mod common;

use common::{oxuv, refused, scratch, Running};
use std::process::{Command, Stdio};

#[test]
fn no_such_process() {
    assert_eq!(refused(&["why", "2147483647"]), (1, "oxuv: there is no process 2147483647".into()));
    assert_eq!(refused(&["why", "0"]), (1, "oxuv: there is no process 0".into()));
    // clap's own message has more lines.
    assert_eq!(oxuv(&["why", "one"]).status.code(), Some(2));
    assert_eq!(oxuv(&["why"]).status.code(), Some(2));
}

#[test]
fn other_commands_refuse_in_the_same_words() {
    for arguments in [&["top", "--once"][..], &["metrics"], &["slow"]] {
        let (status, sentence) = refused(&[arguments, &["2147483647"]].concat());
        assert_eq!((status, sentence.as_str()), (1, "oxuv: there is no process 2147483647"));
    }
    assert_eq!(oxuv(&["slow", "1", "--over", "soon"]).status.code(), Some(2));
}

#[test]
fn a_process_without_the_library() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let (status, sentence) = refused(&["why", &child.id().to_string()]);
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(status, 1);
    assert_eq!(sentence, format!("oxuv: process {} has no oxuv in its memory", child.id()));
}

#[test]
fn a_process_that_has_ended() {
    let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    // Not waited for, so that it stays as a zombie.
    let stat = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    let (status, sentence) = refused(&["why", &child.id().to_string()]);
    child.wait().unwrap();
    assert_eq!((status, sentence.ends_with("has ended")), (1, true), "{sentence}");
}

#[test]
fn core_files_that_are_none() {
    let directory = scratch("cores");
    let file = directory.join("file");
    let path = file.to_str().unwrap();
    let core = ["why", "--core", path];
    assert_eq!(refused(&core).0, 1);
    for content in [&b""[..], b"text", &[0x7f, b'E', b'L', b'F', 2, 1, 1]] {
        std::fs::write(&file, content).unwrap();
        let (status, sentence) = refused(&core);
        assert_eq!(status, 1);
        assert!(sentence.contains(path), "{sentence}");
    }
    std::fs::copy("/proc/self/exe", &file).unwrap();
    assert_eq!(refused(&core), (1, format!("oxuv: {path} is no core file")));
}

#[test]
fn programs_that_cannot_run_on_it() {
    // A copy that no other test opens: the tool asks whether anything has opened it.
    let library = scratch("own-library").join("libuv.so.1");
    std::fs::copy(common::library(), &library).unwrap();
    let run = |program: &str| {
        let mut command = Command::new(common::OXUV);
        let output =
            command.env("OXUV_LIBRARY", &library).args(["run", "--", program]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), text)
    };
    assert_eq!(run("/nonexistent"), (1, "oxuv: there is no program /nonexistent\n".into()));
    // `true` ends with its own status, and the sentence comes from the process beside it.
    let (status, sentence) = run("true");
    assert_eq!(status, 0);
    assert!(sentence.contains("ended without loading libuv"), "{sentence}");
    let directory = scratch("static");
    let text = directory.join("text");
    std::fs::write(&text, "no program").unwrap();
    let (status, sentence) = run(text.to_str().unwrap());
    assert_eq!((status, sentence.lines().count()), (1, 1), "{sentence}");
    assert!(sentence.contains("cannot start"), "{sentence}");
    let source = directory.join("main.c");
    let program = directory.join("main");
    std::fs::write(&source, "int uv_run(void) { return 0; } int main(void) { return uv_run(); }")
        .unwrap();
    let status = Command::new("cc").args(["-static", "-o"]).args([&program, &source]).status();
    if status.unwrap().success() {
        let (status, sentence) = run(program.to_str().unwrap());
        assert_eq!(status, 1);
        assert!(sentence.contains("has libuv linked in statically"), "{sentence}");
    }
}

#[test]
fn a_program_runs_on_the_library() {
    let library = common::library();
    let mut command = Command::new(common::OXUV);
    command.env("OXUV_LIBRARY", library).args(["run", "--"]).arg(common::planted()).arg("timer");
    let program = Running::start(&mut command);
    program.why_text(&["kept alive by 1 handle"]);
    let list = oxuv(&["ps", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let found = list["processes"].as_array().unwrap();
    let row = found.iter().find(|it| it["pid"] == program.pid()).unwrap();
    assert_eq!((row["loops"].as_u64(), row["threads"].as_u64()), (Some(1), Some(0)));
    assert!(row["utilization"].as_f64().unwrap() < 0.5, "{row}");
}

/// Returns whether this is root, who may become another user.
fn is_root() -> bool {
    // SAFETY: the call has no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

#[test]
fn a_process_of_another_user() {
    let program = Running::planted(&["timer"]);
    let pid = program.pid().to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--clear-groups", common::OXUV]);
    if !is_root() || !command.arg("--version").output().is_ok_and(|it| it.status.success()) {
        common::skip("not root, or the program is where others cannot start it");
        return;
    }
    let mut command = Command::new("setpriv");
    let command = command.args(["--reuid=65534", "--clear-groups", common::OXUV, "why", &pid]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with(&format!("oxuv: no permission to read process {pid}: ")), "{text}");
}

#[test]
fn a_set_uid_program() {
    use std::os::unix::fs::{chown, PermissionsExt};
    let program = scratch("set-uid").join("program");
    std::fs::copy("/bin/true", &program).unwrap();
    if !is_root() {
        common::skip("not root");
        return;
    }
    chown(&program, Some(65534), None).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let mut command = Command::new(common::OXUV);
    let command = command.env("OXUV_LIBRARY", common::library()).args(["run", "--"]).arg(&program);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is set-uid or set-gid"));
}

#[test]
fn another_version_of_the_library() {
    let directory = scratch("other-version");
    let copy = directory.join("libuv.so.1");
    let mut bytes = std::fs::read(common::library()).unwrap();
    let magic = b"oxuv\0dbg";
    let at = bytes.windows(8).position(|window| window == magic).unwrap();
    bytes[at + 8] = 99;
    std::fs::write(&copy, bytes).unwrap();
    let mut command = Command::new(common::planted());
    // The test's own library comes first in the path.
    let program = Running::start(command.arg("timer").env("LD_PRELOAD", &copy));
    let (status, sentence) = refused(&["why", &program.pid().to_string()]);
    assert_eq!(status, 2);
    assert!(sentence.contains("has layout 99; this program reads layout"), "{sentence}");
}

#[test]
fn a_process_that_ends_while_it_is_read() {
    for _ in 0..10 {
        let mut program = Running::planted(&["churn"]);
        let pid = program.pid().to_string();
        let reader =
            std::thread::spawn(move || (0..3).map(|_| oxuv(&["why", &pid])).collect::<Vec<_>>());
        program.child.kill().unwrap();
        for output in reader.join().unwrap() {
            let sentence = String::from_utf8_lossy(&output.stderr);
            let known = output.status.success() || sentence.contains("ended");
            assert!(known, "{:?}: {sentence}", output.status.code());
        }
    }
}

#[test]
fn lists_that_change_while_they_are_read() {
    let program = Running::planted(&["churn"]);
    for _ in 0..20 {
        program.why_text(&["kept alive by", "oxuv 1."]);
    }
}

#[test]
fn a_thread_of_the_kernel() {
    // Process 2 is the parent of those of the kernel, but not in a namespace of its own.
    if std::fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        return common::skip("no threads of the kernel are to be seen");
    }
    if !std::fs::read_to_string("/proc/2/maps").is_ok_and(|maps| maps.is_empty()) {
        return common::skip("the memory of a thread of the kernel may not be looked at");
    }
    assert_eq!(refused(&["why", "2"]), (1, "oxuv: process 2 is a thread of the kernel".into()));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    use std::os::unix::process::ExitStatusExt;
    let program = Running::planted(&["slow"]);
    let pid = program.pid().to_string();
    for arguments in [&["why", &pid][..], &["why", "--json", &pid], &["top", &pid], &["slow", &pid]]
    {
        // Rust 1.85 has no function for a pipe.
        let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(reader);
        let writer = std::os::fd::OwnedFd::from(writer);
        let mut command = Command::new(common::OXUV);
        let output = command.args(arguments).stdout(writer).stderr(Stdio::piped()).output();
        let output = output.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.signal(), &*error), (Some(libc::SIGPIPE), ""), "{arguments:?}");
    }
}

#[test]
fn output_that_cannot_be_written() {
    let program = Running::planted(&["slow"]);
    let pid = program.pid().to_string();
    for arguments in [&["ps"][..], &["why", &pid], &["top", &pid], &["slow", &pid]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(common::OXUV);
        let output = command.args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.starts_with("oxuv: cannot write to standard output: No space"), "{error}");
    }
}

#[test]
fn serving_metrics_ends_with_the_process() {
    let program = Running::planted(&["slow"]);
    let mut command = Command::new(common::OXUV);
    command.args(["metrics", &program.pid().to_string(), "--listen", "127.0.0.1:0"]);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It serves.
    let mut line = String::new();
    let mut output = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert!(line.starts_with("http://127.0.0.1:"), "{line}");
    drop(program);
    let output = server.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with(" has ended\n"));
}

#[test]
fn a_process_that_is_stopped() {
    let program = Running::planted(&["callback"]);
    let pid = program.pid() as libc::pid_t;
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGSTOP) }, 0);
    program.why_text(&["in callback callback_that_blocks", "stopped by a signal"]);
}
