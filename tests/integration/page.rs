//! The page of `--ui` as people get it: by `demo`, `preview` and `intake`, over HTTP. What a browser makes of it: scripts/check_page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use testkit::events::{self, GROUP};

use super::{Folder, PODFERRY};

/// A command that serves a page, and ends with this.
struct Serving {
    child: Child,
    /// What it said until it served.
    said: String,
    /// Address, port, and path with the token.
    address: String,
    path: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(arguments: &[&str]) -> Serving {
        let mut command = Command::new(PODFERRY);
        command.args(arguments);
        Serving::of(command, arguments)
    }

    fn of(mut command: Command, arguments: &[&str]) -> Serving {
        command.env_clear().current_dir(testkit::ROOT);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Ended and waited for by its Drop, also where it serves no page.
        let mut serving = Serving { child, said: String::new(), address: String::new(), path: String::new() };
        for line in BufReader::new(serving.child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, url)) = line.split_once("The page, until you press Ctrl-C: http://") {
                let (address, path) = url.split_once('/').unwrap();
                serving.address = address.to_owned();
                serving.path = format!("/{path}");
                return serving;
            }
            serving.said += &line;
            serving.said.push('\n');
        }
        panic!("{arguments:?} serves no page: {}", serving.said);
    }

    /// The body of an answer.
    fn get(&self, file: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("GET {}{file} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.path, self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
    }

    /// The first logs of the list, so many.
    fn listed(&self, number: usize) -> Vec<Value> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {}tail HTTP/1.1\r\nHost: {}\r\n\r\n", self.path, self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut logs = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let message: Value = serde_json::from_str(data).unwrap();
            logs.extend(message["logs"].as_array().cloned().unwrap_or_default());
            if logs.len() >= number {
                break;
            }
        }
        logs
    }

    fn whole(&self, log: &Value) -> Value {
        serde_json::from_str(&self.get(&format!("log/{}", log["number"]))).unwrap()
    }
}

/// The records that a log came from.
fn records(whole: &Value) -> Vec<&str> {
    let records = whole["record"]["records"].as_array().unwrap().iter();
    records.map(|record| record["message"].as_str().unwrap()).collect()
}

#[test]
fn a_preview_has_each_log_beside_its_record() {
    let line = |second: u32, output: &str, text: &str| format!("2026-03-01T10:00:0{second}.0Z {output} F {text}");
    let lines = [
        line(0, "stdout", "ready"),
        line(1, "stderr", "Traceback (most recent call last):"),
        line(1, "stderr", "  File \"a.py\", line 1, in <module>"),
        line(1, "stdout", "between"),
        line(1, "stderr", "ValueError: no"),
        line(2, "stdout", " "),
        line(3, "stdout", "last"),
    ];
    let messages: Vec<(i64, &str)> = lines.iter().map(|line| (1_772_359_200_000, line.as_str())).collect();
    let folder = Folder::new("page");
    folder.write("content.json", events::content(GROUP, &events::stream(), &messages).to_string());
    let serving = Serving::start(&["preview", "--ui", "--as-new", &folder.file("content.json")]);
    let logs = serving.listed(4);
    assert_eq!(logs.len(), 4);
    let by_text = |text: &str| logs.iter().find(|log| log["text"].as_str().unwrap().starts_with(text)).unwrap();
    for (text, expected) in [
        ("ready", vec![&lines[0]]),
        // Not the line of stdout between, and not by counting lines: one is blank.
        ("Traceback", vec![&lines[1], &lines[2], &lines[4]]),
        ("between", vec![&lines[3]]),
        ("last", vec![&lines[6]]),
    ] {
        let whole = serving.whole(by_text(text));
        assert_eq!(records(&whole), expected, "{text}");
        assert_eq!(whole["record"]["log_group"], GROUP);
    }
    let trace = by_text("Traceback");
    assert_eq!((&trace["status"], &trace["rules"][0]["effect"]), (&json!("error"), &json!("joined")));
    let whole = serving.whole(trace);
    assert_eq!(whole["status_from"], "stderr");
    let tags = whole["tags"].as_array().unwrap();
    assert!(tags.contains(&json!({ "tag": "kube_namespace:shop", "from": "log stream" })), "{tags:?}");
    assert!(whole["log"]["message"].as_str().unwrap().ends_with("ValueError: no"));
}

/// A live tail is to be seen: the logs come over some seconds, once somebody looks.
#[test]
fn the_demos_logs_arrive_bit_by_bit() {
    let serving = Serving::start(&["demo", "--ui"]);
    let begun = std::time::Instant::now();
    assert_eq!(serving.listed(156).len(), 156);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    // Who comes later gets all.
    let times: Vec<i64> = serving.listed(156).iter().map(|log| log["time"].as_i64().unwrap()).collect();
    assert!(times.len() == 156 && times.is_sorted());
}

#[test]
fn the_demo_shows_what_rules_did_and_what_they_left_out() {
    let serving = Serving::start(&["demo", "--ui"]);
    assert!(serving.get("").contains("<title>podferry</title>"));
    let logs = serving.listed(156);
    // The two that a rule excluded are there, with the container's service, and are not among the 154 that were sent.
    let left_out: Vec<&Value> = logs.iter().filter(|log| !log["left_out"].is_null()).collect();
    assert_eq!((logs.len(), left_out.len()), (156, 2));
    for log in left_out {
        let whole = serving.whole(log);
        assert_eq!((&log["left_out"], &log["service"]), (&json!("rule health_checks"), &json!("orders")));
        assert!(log["text"].as_str().unwrap().contains("GET /healthz") && whole["log"].is_null(), "{log}");
        assert_eq!(records(&whole).len(), 1);
    }
    let masked = logs.iter().find(|log| log["rules"][0]["effect"] == "masked").unwrap();
    assert_eq!(masked["rules"], json!([{ "rule": "card_numbers", "effect": "masked" }]));
    assert!(!masked["text"].as_str().unwrap().contains("4111"));
    assert!(records(&serving.whole(masked))[0].contains("4111 1111"), "the record is shown as it came");
}

/// Posts logs to the stand-in of `podferry intake`; `headers` end in a line break.
fn post(serving: &Serving, headers: &str, body: &str) -> String {
    post_bytes(serving, headers, body.as_bytes())
}

fn post_bytes(serving: &Serving, headers: &str, body: &[u8]) -> String {
    let (_, address) = serving.said.split_once("DD_URL=http://").unwrap();
    let address = address.split_whitespace().next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("POST /api/v2/logs HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_the_stand_in_gets_is_shown_and_what_it_refuses_too() {
    let serving = Serving::start(&["intake", "--listen", "0", "--ui=127.0.0.1:0", "--quiet"]);
    let log = json!([{ "message": "hello", "ddtags": "kube_namespace:shop,env:prod", "service": "web", "status": "warn", "timestamp": 5 }]);
    assert!(post(&serving, "DD-API-KEY: any\r\n", &log.to_string()).starts_with("HTTP/1.1 202"));
    assert!(post(&serving, "", &log.to_string()).starts_with("HTTP/1.1 401"));
    let logs = serving.listed(2);
    let taken = &logs[0];
    assert_eq!((&taken["text"], &taken["status"], &taken["time"]), (&json!("hello"), &json!("warn"), &json!(5)));
    assert_eq!((&taken["left_out"], &logs[1]["left_out"]), (&Value::Null, &json!("the stand-in, which answered 401")));
    let whole = serving.whole(taken);
    // It says that it does not know the record, and where each tag is from: it guesses neither.
    assert!(whole["record"]["unknown"].as_str().unwrap().contains("without the records"), "{whole}");
    assert_eq!(whole["tags"], json!([{ "tag": "kube_namespace:shop" }, { "tag": "env:prod" }]));
}

/// Some kilobytes that unpack to hundreds of megabytes are refused as Datadog would refuse them, and cost the stand-in no more than a request that it takes.
#[test]
fn a_bomb_costs_the_stand_in_little() {
    let zeros = vec![b'0'; 5_000_000];
    let compression = flate2::Compression::fast();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), compression);
    gzip.write_all(&zeros).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), compression);
    (0..8).for_each(|_| deflate.write_all(&zeros).unwrap());
    let bombs = [
        // All members of a concatenation count.
        ("gzip", gzip.finish().unwrap().repeat(60)),
        ("deflate", deflate.finish().unwrap()),
        ("identity", zeros.repeat(30)),
    ];
    let serving = Serving::start(&["intake", "--listen", "0", "--ui", "--quiet"]);
    for (encoding, bomb) in bombs {
        let headers = format!("DD-API-KEY: any\r\nContent-Encoding: {encoding}\r\n");
        let answer = post_bytes(&serving, &headers, &bomb);
        assert!(answer.starts_with("HTTP/1.1 413"), "{encoding}: {answer}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.child.id())).unwrap();
    let most_kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    assert!(most_kb.is_some_and(|kb: usize| kb < 100_000), "{status}");
}

#[test]
fn an_address_that_the_network_reaches_is_refused() {
    for arguments in [
        &["intake", "--listen", "0", "--ui=0.0.0.0:0"][..],
        &["intake", "--listen", "0.0.0.0:0", "--ui"],
        &["demo", "--ui=192.0.2.1:0"],
        &["preview", "--ui=[::]:0", "examples/event.json"],
    ] {
        let output = Command::new(PODFERRY).args(arguments).env_clear().current_dir(testkit::ROOT).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("would be exposed to the network"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    use std::os::unix::process::ExitStatusExt;
    for arguments in
        [&["demo", "--ui"][..], &["intake", "--listen", "0", "--ui"], &["preview", "--ui", "examples/event.json"]]
    {
        let mut serving = Serving::start(arguments);
        // A browser that follows does not hold it.
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        let request = format!("GET {}tail HTTP/1.1\r\nHost: {}\r\n\r\n", serving.path, serving.address);
        stream.write_all(request.as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 8]).unwrap() > 0);
        let id = serving.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert_eq!(serving.child.wait().unwrap().signal(), Some(2), "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_stand_in_takes_connections_again_when_there_are_files_for_them() {
    let arguments = ["intake", "--ui", "--listen", "127.0.0.1:0"];
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", PODFERRY]).args(arguments);
    let serving = Serving::of(command, &arguments);
    let (_, url) = serving.said.split_once("DD_URL=http://").unwrap();
    let stand_in = url.split(' ').next().unwrap();
    let ask = || {
        let mut stream = TcpStream::connect(stand_in)?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    // The system takes more connections than the process has files for; that one gets no answer tells that it has none left.
    let open: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(stand_in).unwrap()).collect();
    assert!(ask().is_err());
    drop(open);
    assert!((0..60).any(|_| ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 404"))));
}
