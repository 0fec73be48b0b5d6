//! A real Fluent Bit: what its binary makes of a case, set up as EKS Fargate sets up its router.
//!
//! Each output is one that writes records into a file, as JSON by the same function that `cloudwatch_logs` uses. What the Kubernetes API would
//! answer comes from files, and nothing listens where it is looked for.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use manifests::simulate::core::Core;

use super::case::{Case, ELASTICSEARCH, Section};

/// The binary, and which version it is.
pub(super) struct FluentBit {
    binary: PathBuf,
    pub(super) core: Core,
    /// Where connections for Elasticsearch end as soon as they begin.
    search: SocketAddr,
}

/// A pod, and the tag and name of its container's log file.
pub(super) struct Container {
    pub(super) tag: String,
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) json: String,
}

/// A record as it is compared: output, tag, nanoseconds since 1970 or `None` for the time of reading, text.
pub(super) type Compared = (usize, Vec<u8>, Option<i64>, Vec<u8>);

/// Files of a case's folder that get what the process writes.
const OUT: &str = "stdout";
const ERR: &str = "stderr";

/// What it says when it has come to the end of the file. Source: fluent/fluent-bit, plugins/in_tail/tail_fs_inotify.c.
const HAS_READ: &str = "inotify_fs_add()";

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How long what came has to stay enough: some flushes.
const SETTLED: Duration = Duration::from_millis(400);
/// How long it has after it has read all, where what came is not enough.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long it has at all, on a busy machine; and where the model says that it dies.
pub(super) const LONGEST: Duration = Duration::from_secs(90);
pub(super) const TO_DIE: Duration = Duration::from_secs(30);

fn says(path: &Path, what: &str) -> bool {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).contains(what)
}

/// What it did.
#[derive(Debug)]
pub(super) struct Ran {
    /// Whether it ran until it was ended.
    pub(super) has_started: bool,
    /// Whether a signal ended it that nobody sent, or it never came to the end of the file.
    pub(super) has_crashed: bool,
    pub(super) records: Vec<Compared>,
    files: Vec<usize>,
    /// Documents of Elasticsearch, each with the line before it.
    pub(super) documents: Vec<Vec<u8>>,
    pub(super) log: String,
}

impl Ran {
    /// Whether an output writes records into a file.
    pub(super) fn has_file(&self, output: usize) -> bool {
        self.files.contains(&output)
    }
}

impl FluentBit {
    /// Asks the binary which version it is.
    pub(super) fn new(binary: PathBuf) -> FluentBit {
        let said = Command::new(&binary).arg("--version").output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let version =
            said.split_once("Fluent Bit v").map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
        let core = match version {
            Some(version) if version.starts_with("1.9.") => Core::Older,
            Some(version) if version.starts_with("5.") => Core::Newer,
            _ => panic!("FLUENT_BIT is none of 1.9 or 5.x: {said}"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let search = listener.local_addr().unwrap();
        thread::spawn(move || listener.incoming().for_each(drop));
        FluentBit { binary, core, search }
    }

    /// Runs a case in a folder until `is_enough` says of what came that it is, and a little longer.
    pub(super) fn run(
        &self,
        case: &Case,
        container: &Container,
        folder: &Path,
        longest: Duration,
        is_enough: impl Fn(&Ran) -> bool,
    ) -> Ran {
        _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        let path = |name: &str| folder.join(name);
        let write = |name: &str, text: &[u8]| fs::write(path(name), text).unwrap();
        let (_, log_file) = container.tag.split_once("containers.").unwrap();
        let lines: Vec<u8> = case.lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        write(log_file, &lines);
        write(&format!("{}_{}.meta", container.namespace, container.pod), container.json.as_bytes());
        write("fluent-bit.conf", self.configuration(case, folder, log_file).as_bytes());
        write("parsers.conf", case.parsers.iter().map(Section::text).collect::<String>().as_bytes());
        let mut command = Command::new(&self.binary);
        command.arg("-c").arg(path("fluent-bit.conf")).current_dir(folder).env_clear().env("TZ", "UTC");
        command.stdin(Stdio::null()).stdout(File::create(path(OUT)).unwrap()).stderr(File::create(path(ERR)).unwrap());
        let mut process = command.spawn().unwrap();
        let started = Instant::now();
        // When all lines had been read, and since when what came has been enough.
        let (mut read, mut enough) = (None, None);
        let ended: Option<ExitStatus> = loop {
            if let Some(ended) = process.try_wait().unwrap() {
                break Some(ended);
            }
            read = read.or_else(|| says(&path(ERR), HAS_READ).then(Instant::now));
            enough = enough.filter(|_| read.is_some());
            if read.is_some() && is_enough(&self.ran(case, folder, None)) {
                enough = enough.or_else(|| Some(Instant::now()));
            } else {
                enough = None;
            }
            let is_over = |since: Option<Instant>, time: Duration| since.is_some_and(|since| since.elapsed() > time);
            if is_over(enough, SETTLED) || is_over(read, PATIENCE) || started.elapsed() > longest {
                process.kill().unwrap();
                process.wait().unwrap();
                break None;
            }
            thread::sleep(POLL);
        };
        let mut ran = self.ran(case, folder, ended);
        // One that goes round for ever never comes to the end of the file.
        ran.has_crashed |= ended.is_none() && read.is_none();
        ran
    }

    /// What it did until now, or until it ended.
    fn ran(&self, case: &Case, folder: &Path, ended: Option<ExitStatus>) -> Ran {
        let path = |name: &str| folder.join(name);
        let log: String = String::from_utf8_lossy(&fs::read(path(ERR)).unwrap_or_default())
            .lines()
            .filter(|line| ["[error]", "[ warn]", "rror:"].iter().any(|mark| line.contains(mark)))
            .take(8)
            .map(|line| format!("    {line}\n"))
            .collect();
        let mut records = Vec::new();
        let is_file = |output: &usize| case.outputs.get(*output).is_some_and(|output| output.name() != ELASTICSEARCH);
        let files: Vec<usize> = (0..case.outputs.len()).filter(is_file).collect();
        for output in files.iter().copied() {
            records.extend(recorded(output, &fs::read(path(&format!("out{output}"))).unwrap_or_default()));
        }
        Ran {
            has_started: ended.is_none(),
            has_crashed: ended.is_some_and(|ended| ended.code().is_none()),
            records,
            files,
            documents: documents(&fs::read(path(OUT)).unwrap_or_default()),
            log,
        }
    }

    fn configuration(&self, case: &Case, folder: &Path, log_file: &str) -> String {
        let folder = folder.display();
        let mut text = format!(
            "[SERVICE]\n    Flush 0.1\n    Log_Level info\n    Parsers_File parsers.conf\n[INPUT]\n    Name tail\n    Tag kube.*\n    \
             Path /var/log/containers/{log_file}\n    Read_from_Head On\n    Refresh_Interval 1\n    Buffer_Max_Size 66KB\n    Mem_Buf_Limit 45MB\n"
        )
        .replace("/var/log/containers", &folder.to_string());
        // The tag is made of the file's path.
        text = text.replace("Tag kube.*", &format!("Tag kube.var.log.containers.{log_file}"));
        for filter in &case.filters {
            let mut filter = filter.clone();
            if filter.name() == "kubernetes" {
                filter.add("Kube_URL", "http://127.0.0.1:1");
                filter.add("Kube_meta_preload_cache_dir", folder.to_string());
            }
            text += &filter.text();
        }
        for (number, output) in case.outputs.iter().enumerate() {
            let mut output = output.clone();
            if output.name() == ELASTICSEARCH {
                // It shows what it would send, and does not try again.
                output.add("Host", self.search.ip().to_string());
                output.add("Port", self.search.port().to_string());
                output.add("Trace_Output", "On");
                output.add("Retry_Limit", "no_retries");
                text += &output.text();
                continue;
            }
            output.properties.insert(0, ("Name".to_owned(), "file".to_owned()));
            output.add("Path", folder.to_string());
            output.add("File", format!("out{number}"));
            text += &output.text();
        }
        text
    }
}

/// Every second line is a document; where the line before it ends with a zero, both are one. An id may have newlines, so that the line before
/// goes on until its brackets are closed.
fn documents(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let (mut is_head_open, mut is_open) = (false, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if !is_head_open && !is_open {
            if !line.starts_with(b"{") {
                continue;
            }
            all.push(Vec::new());
        }
        if let Some(document) = all.last_mut() {
            document.extend(line);
        }
        let is_head = is_head_open || !is_open;
        is_head_open = is_head && !line.windows(2).any(|window| window == b"}}");
        is_open = is_head && !is_head_open && !line.windows(3).any(|window| window == b"}}\0");
    }
    all
}

/// The records of a file, a line each; but a tag may have newlines.
fn recorded(output: usize, text: &[u8]) -> Vec<Compared> {
    let mut all = Vec::new();
    let mut waiting: Vec<u8> = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        waiting.extend(line);
        let whole = waiting.strip_suffix(b"\n").unwrap_or(&waiting);
        if let Some(record) = record(output, whole) {
            all.push(record);
            waiting.clear();
        }
    }
    if !waiting.is_empty() {
        all.push((output, b"unreadable".to_vec(), None, waiting));
    }
    all
}

/// `TAG: [SECONDS.NANOSECONDS, {…}]`.
fn record(output: usize, line: &[u8]) -> Option<Compared> {
    let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    (0..line.len()).find_map(|at| {
        let rest = line.get(at..)?.strip_prefix(b": [")?;
        let dot = rest.iter().position(|byte| *byte == b'.')?;
        let seconds = number(rest.get(..dot)?)?;
        let nanoseconds = number(rest.get(dot + 1..dot + 10)?)?;
        let text = rest.get(dot + 10..)?.strip_prefix(b", ")?.strip_suffix(b"]")?;
        Some((output, line.get(..at)?.to_vec(), Some(seconds * 1_000_000_000 + nanoseconds), text.to_vec()))
    })
}
