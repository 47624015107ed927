//! Commands that ask for statistics: top, slow, metrics.

mod common;

use common::{oxuv, Running};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

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
}

#[test]
fn slow_names_a_callback_of_300_ms() {
    let program = Running::planted(&["slow"]);
    let mut command = Command::new(common::OXUV);
    command.args(["slow", &program.pid().to_string(), "--over", "50ms"]);
    let mut slow = Server(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(slow.0.stdout.take().unwrap()).lines();
    // It begins while the callback runs, or after it.
    assert!(lines.any(|line| line.unwrap().starts_with("callback_of_300_ms runs for ")));
    assert!(lines.any(|line| line.unwrap().starts_with("callback_of_300_ms ran for ")));
    // It ends with the process.
    drop(program);
    assert!(slow.0.wait().unwrap().success());
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
