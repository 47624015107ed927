//! Commands that ask for statistics: top, slow, metrics.

mod common;

use common::{oxuv, Running};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};

fn top(program: &Running) -> Value {
    let output = oxuv(&["top", "--json", &program.pid().to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn top_names_a_callback_of_300_ms() {
    let program = Running::planted(&["slow"]);
    // The process may have been too slow to call one in the first second.
    let named = (0..20).find_map(|_| {
        let answer = top(&program);
        let it = answer["processes"][0]["loops"][0].clone();
        let slowest = it["slowest"].as_array()?.iter();
        let mut slowest = slowest.filter(|it| it["function"] == "callback_of_300_ms");
        slowest.next()?["seconds"].as_f64().filter(|time| *time >= 0.3).map(|_| it.clone())
    });
    let it = named.unwrap();
    assert!(it["utilization"].as_f64().unwrap() > 0.3, "{it:#}");
    assert!(it["delay"]["p99"].as_f64().unwrap() > 0.1, "{it:#}");
    let text = oxuv(&["top", "--once", &program.pid().to_string()]).stdout;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("ms callback_of_300_ms (timer), "), "{text}");
}

#[test]
fn top_shows_an_idle_loop_and_a_full_pool() {
    let program = Running::planted(&["pool"]);
    let answer = top(&program);
    let pool = &answer["processes"][0]["pool"];
    assert_eq!((&pool["threads"], &pool["busy"]), (&4.into(), &4.into()), "{answer:#}");
    assert_eq!(pool["queued"], 3, "{answer:#}");
    let metrics = oxuv(&["metrics", &program.pid().to_string()]).stdout;
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(metrics.contains("\nlibuv_threadpool_queue_length 3\n"), "{metrics}");
}

/// Starts `oxuv slow`; its output, and its errors.
fn slow(pid: u32, arguments: &[&str]) -> (Server, Lines<BufReader<ChildStdout>>, ChildStderr) {
    let mut command = Command::new(common::OXUV);
    command.args(["slow", &pid.to_string(), "--over", "50ms"]).args(arguments);
    let mut slow = Server(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(slow.0.stdout.take().unwrap()).lines();
    let errors = slow.0.stderr.take().unwrap();
    (slow, lines, errors)
}

/// Returns the stack that follows the first line that begins so: its functions from the innermost to `main`.
fn stack(lines: &mut Lines<BufReader<ChildStdout>>, first: &str) -> Vec<String> {
    let mut lines = lines.map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with(first)));
    let mut functions = Vec::new();
    while functions.last().is_none_or(|name| name != "main") {
        let line = lines.next().unwrap();
        functions.push(line.strip_prefix("    ").unwrap_or_else(|| panic!("{line}")).to_owned());
    }
    functions
}

/// Asserts that these are functions of the stack, in this order.
fn assert_stack(stack: &[String], expected: &[&str]) {
    let mut names = stack.iter();
    for function in expected {
        assert!(names.any(|name| name == function), "no {function} in {stack:#?}");
    }
}

#[test]
fn slow_names_a_callback_of_300_ms() {
    let program = Running::planted(&["slow"]);
    let (mut slow, mut lines, _errors) = slow(program.pid(), &["--nonblocking"]);
    // It begins while the callback runs, or after it.
    let begins = |line: &String| line.starts_with("callback_of_300_ms runs for ");
    let line = lines.by_ref().map(Result::unwrap).find(begins).unwrap();
    assert!(line.contains("(timer due in ") || line.contains("(timer overdue by "), "{line}");
    let ended = |line: String| {
        assert!(!line.starts_with(' '), "{line}");
        line.starts_with("callback_of_300_ms ran for ")
    };
    assert!(lines.any(|line| ended(line.unwrap())));
    // It ends with the process.
    drop(program);
    assert!(slow.0.wait().unwrap().success());
}

#[test]
fn slow_shows_the_stack_of_a_callback() {
    let program = Running::planted(&["slow"]);
    let (mut slow, mut lines, mut errors) = slow(program.pid(), &[]);
    let functions = stack(&mut lines, "callback_of_300_ms runs for ");
    assert_stack(&functions, &["spin_inside", "spin", "callback_of_300_ms", "uv_run", "main"]);
    drop(program);
    assert!(lines.all(|line| line.is_ok()));
    assert!(slow.0.wait().unwrap().success());
    let mut text = String::new();
    errors.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("oxuv: no thread was stopped for longer than "), "{text}");
}

#[test]
fn slow_reads_the_symbols_of_a_stripped_program_from_its_debug_file() {
    let directory = common::scratch("stripped");
    let (program, debug) = (directory.join("planted"), directory.join("planted.debug"));
    std::fs::copy(common::planted(), &program).unwrap();
    let objcopy = |arguments: &[&std::ffi::OsStr]| {
        assert!(Command::new("objcopy").args(arguments).status().unwrap().success());
    };
    objcopy(&["--only-keep-debug".as_ref(), program.as_ref(), debug.as_ref()]);
    let link = format!("--add-gnu-debuglink={}", debug.display());
    objcopy(&["--strip-all".as_ref(), link.as_ref(), program.as_ref()]);
    let program = Running::start(Command::new(program).arg("slow"));
    let (_slow, mut lines, _errors) = slow(program.pid(), &[]);
    let functions = stack(&mut lines, "callback_of_300_ms runs for ");
    assert_stack(&functions, &["spin_inside", "spin", "callback_of_300_ms", "uv_run", "main"]);
}

#[test]
fn slow_names_compiled_functions() {
    let program = Running::planted(&["jit"]);
    let compiled = "callback_of_compiled_code";
    let first = "a callback of thread ";
    let (_slow, mut lines, _errors) = slow(program.pid(), &[]);
    let functions = stack(&mut lines, first);
    let jit = functions.iter().find(|name| name.starts_with("[JIT] 0x")).unwrap();
    assert_stack(&functions, &["spin_always", jit, compiled, "uv_run", "main"]);
    let map = Map(format!("/tmp/perf-{}.map", program.pid()));
    std::fs::write(&map.0, format!("{} 8 LazyCompile:*work a.js:1\n", program.printed)).unwrap();
    let (_slow, mut lines, _errors) = slow(program.pid(), &[]);
    let functions = stack(&mut lines, first);
    let named = ["spin_always", "LazyCompile:*work a.js:1", compiled, "uv_run", "main"];
    assert_stack(&functions, &named);
}

/// A file that is removed in the end.
struct Map(String);

impl Drop for Map {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn slow_says_that_another_process_traces_this_one() {
    let program = Running::planted(&["slow"]);
    let pid = program.pid() as i32;
    // SAFETY: takes integers.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
    assert_eq!(seized, 0, "{}", std::io::Error::last_os_error());
    let (_slow, mut lines, errors) = slow(program.pid(), &[]);
    let line = BufReader::new(errors).lines().next().unwrap().unwrap();
    assert!(
        line.starts_with("oxuv: threads may not be stopped, so there are no stacks: "),
        "{line}"
    );
    assert!(lines.any(|line| line.unwrap().starts_with("callback_of_300_ms ran for ")));
}

#[test]
fn slow_that_is_killed_leaves_the_threads_running() {
    let program = Running::planted(&["slow"]);
    for _ in 0..5 {
        let (mut slow, mut lines, _errors) = slow(program.pid(), &[]);
        assert!(lines.any(|line| line.unwrap().starts_with("callback_of_300_ms runs for ")));
        slow.0.kill().unwrap();
        slow.0.wait().unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    assert!(status.contains("TracerPid:\t0\n"), "{status}");
    let (_slow, mut lines, _errors) = slow(program.pid(), &["--nonblocking"]);
    // One that has begun after that.
    assert!(lines.any(|line| line.unwrap().starts_with("callback_of_300_ms ran for ")));
}

/// A process that is killed in the end.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the value of a sample.
fn value(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn metrics_are_printed_and_served() {
    let program = Running::planted(&["slow"]);
    let pid = program.pid().to_string();
    let mut command = Command::new(common::OXUV);
    command.args(["metrics", &pid, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut address = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim().trim_start_matches("http://").trim_end_matches("/metrics");
    let fetch = || {
        let mut connection = std::net::TcpStream::connect(address).unwrap();
        connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut page = String::new();
        connection.read_to_string(&mut page).unwrap();
        page
    };
    // The first reading switches statistics on.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let page = loop {
        let page = fetch();
        let delay = value(&page, "libuv_eventloop_delay_max_seconds{");
        if delay.is_some_and(|delay| delay > 0.0) {
            break page;
        }
        assert!(std::time::Instant::now() < end, "{page}");
    };
    drop(server);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\n# EOF\n"), "{page}");
    assert!(value(&page, "libuv_eventloop_iterations_total{").is_some_and(|it| it > 0.0));
    let printed = oxuv(&["metrics", &pid]).stdout;
    let printed = String::from_utf8_lossy(&printed);
    assert!(printed.ends_with("# EOF\n"), "{printed}");
    let busy = value(&printed, "libuv_eventloop_utilization{");
    assert!(busy.is_some_and(|busy| busy > 0.3), "{printed}");
}

/// `oxuv top` on a terminal of its own.
struct Terminal {
    top: Server,
    terminal: File,
    of_top: File,
    /// What it has drawn so far.
    drawn: String,
    modes: libc::termios,
}

fn modes(terminal: &File) -> libc::termios {
    // SAFETY: all zeroes are valid modes, which the call replaces.
    unsafe {
        let mut modes = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), &mut modes), 0);
        modes
    }
}

impl Terminal {
    fn start(pid: u32) -> Terminal {
        let (mut terminal, mut of_top) = (-1, -1);
        let size = libc::winsize { ws_row: 40, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 };
        let none = std::ptr::null_mut();
        // SAFETY: writes to the integers, and reads the size.
        let made = unsafe { libc::openpty(&mut terminal, &mut of_top, none, none.cast(), &size) };
        assert_eq!(made, 0);
        // SAFETY: they were just opened.
        let (terminal, of_top) =
            unsafe { (File::from_raw_fd(terminal), File::from_raw_fd(of_top)) };
        let end = || Stdio::from(of_top.try_clone().unwrap());
        let mut command = Command::new(common::OXUV);
        command.args(["top", &pid.to_string()]).env("TERM", "xterm");
        let modes = modes(&of_top);
        let top = Server(command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap());
        Terminal { top, terminal, of_top, drawn: String::new(), modes }
    }

    /// Reads until it has drawn a text.
    fn await_text(&mut self, text: &str) {
        while !self.drawn.contains(text) {
            let mut part = [0; 4096];
            let length = self.terminal.read(&mut part).unwrap();
            self.drawn.push_str(&String::from_utf8_lossy(&part[..length]));
        }
    }

    /// Asserts that it ends by itself, and leaves the terminal as it was.
    fn assert_restored(mut self) {
        self.await_text("\x1b[?1049l");
        assert!(self.top.0.wait().unwrap().success());
        let (now, before) = (modes(&self.of_top), self.modes);
        let fields = |it: libc::termios| (it.c_iflag, it.c_oflag, it.c_cflag, it.c_lflag);
        assert_eq!(fields(now), fields(before));
    }
}

#[test]
fn top_is_a_live_view_on_a_terminal() {
    let program = Running::planted(&["slow"]);
    let mut view = Terminal::start(program.pid());
    // Spaces are not drawn, so words are looked for.
    for word in ["BUSY", "EVENTS/S", "planted", "callback_of_300_ms", "slowest", "busy,"] {
        view.await_text(word);
    }
    view.terminal.write_all(b"d").unwrap();
    view.await_text("Delay");
    view.terminal.write_all(b"q").unwrap();
    view.assert_restored();
}

#[test]
fn top_restores_the_terminal_when_it_is_terminated() {
    let program = Running::planted(&["slow"]);
    let mut view = Terminal::start(program.pid());
    view.await_text("planted");
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::kill(view.top.0.id() as i32, libc::SIGTERM) }, 0);
    view.assert_restored();
}
