//! Lines as applications, and people who mean harm, write them.

use super::dice::Dice;

const LEVELS: [&str; 8] = ["info", "INFO", "warn", "ERROR", "error", "debug", "fatal", ""];
const KEYS: [&str; 24] = [
    "id",
    "level",
    "msg",
    "message",
    "log",
    "stream",
    "time",
    "a",
    "b",
    "n",
    "http",
    "user",
    "kubernetes",
    "a.b",
    "a b",
    "",
    "$x",
    "k8s_x",
    "tag",
    "é",
    "status",
    "data",
    "dup",
    "logtag",
];
const TEXTS: [&str; 34] = [
    "hello",
    "GET /healthz 200",
    "a\\nb",
    "say \\\"hi\\\"",
    "caf\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ude00",
    "\\u00",
    "\\u0000x",
    "\\x41",
    "é中😀",
    "{\\\"k\\\":1}",
    "{\\\"k\\\":\\\"v\\\",\\\"n\\\":2} x",
    "a=b c=\\\"d e\\\"",
    "k:v\\tl:w",
    "2026-11-22T18:00:09.999Z",
    "1",
    "true",
    "null",
    "",
    " ",
    "x\u{1}y",
    "\\/slash\\\\",
    "a\u{7f}b",
    "t\\tt",
    "r\\r",
    "b\\bf\\f",
    "<b>&amp;",
    "100%",
    "$TAG",
    "${HOME}",
    "\u{2028}",
    "'q'",
];
const NUMBERS: [&str; 26] = [
    "0",
    "1",
    "-1",
    "-0",
    "42",
    "1.5",
    "-0.0",
    "1e3",
    "1E+2",
    "1e-7",
    "0.1",
    "100.0",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1e400",
    "1.7976931348623157e308",
    "5e-324",
    "3.141592653589793",
    "123456789.123456789",
    "0.30000000000000004",
    "1e21",
    "4294967296",
];
const BAD: [&[u8]; 12] = [
    b"\xff",
    b"\xff\xfe\xc3(",
    b"\xe4\xb8",
    b"\xed\xa0\xbd",
    b"\xf0\x9f\x98",
    b"\xc0\xaf",
    b"\x00",
    b"\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\x1b[31m",
    b"\xc3",
    b"\xef\xbb\xbf",
];

fn value(dice: &mut Dice, depth: usize) -> String {
    match dice.below(if depth > 2 { 12 } else { 16 }) {
        0..=5 => format!("\"{}\"", dice.of(&TEXTS)),
        6..=8 => dice.of(&NUMBERS).to_owned(),
        9 => dice.of(&["true", "false", "null"]).to_owned(),
        10 => format!("\"{}\"", dice.of(&LEVELS)),
        11 => dice
            .of(&[
                "{}",
                "[]",
                "NaN",
                "tru",
                "01",
                ".5",
                "+1",
                "'x'",
                "1.",
                "-",
                "\"\\q\"",
                "\"tab\there\"",
                "nul",
                "1x",
            ])
            .to_owned(),
        12..=14 => object(dice, depth + 1),
        _ => {
            let items: Vec<String> = (0..dice.below(4)).map(|_| value(dice, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
    }
}

fn object(dice: &mut Dice, depth: usize) -> String {
    let blank = dice.of(&["", "", "", " "]);
    let members: Vec<String> =
        (0..dice.below(6)).map(|_| format!("\"{}\"{blank}:{blank}{}", dice.of(&KEYS), value(dice, depth))).collect();
    format!("{{{}}}", members.join(if blank.is_empty() { "," } else { " , " }))
}

fn plain(dice: &mut Dice) -> String {
    let words = [
        "ERROR",
        "error",
        "failed",
        "GET",
        "/healthz",
        "200",
        "user",
        "bob",
        "WARN",
        "at com.acme.Main(Main.java:7)",
        "timeout",
        "\"quoted\"",
        "key=value",
        "{",
        "}",
        "日本",
        "Exception",
        "10.0.0.1",
        "[main]",
        "#",
        "12.5ms",
        "\\n",
        "\\u00e9",
        "%d",
        "a:b",
        "\t",
        "'",
        "",
    ];
    (0..dice.below(7)).map(|_| dice.of(&words)).collect::<Vec<&str>>().join(" ")
}

fn logfmt(dice: &mut Dice) -> String {
    let pair = |dice: &mut Dice| match dice.below(8) {
        0 => dice.of(&KEYS).to_owned(),
        1 => format!("{}=", dice.of(&KEYS)),
        2 => format!("{}=\"{}\"", dice.of(&KEYS), dice.of(&TEXTS)),
        3 => format!("{}=\"", dice.of(&KEYS)),
        4 => format!("time=2026-11-22T18:0{}:07.5Z", dice.below(10)),
        5 => format!("{}=\"\"", dice.of(&KEYS)),
        6 => format!("{}={}", dice.of(&KEYS), dice.of(&NUMBERS)),
        _ => format!("level={}", dice.of(&LEVELS)),
    };
    (0..1 + dice.below(6)).map(|_| pair(dice)).collect::<Vec<String>>().join(dice.of(&[" ", " ", "  ", "\t"]))
}

fn ltsv(dice: &mut Dice) -> String {
    let pair = |dice: &mut Dice| match dice.below(5) {
        0 => dice.of(&KEYS).to_owned(),
        1 => format!("{}:", dice.of(&KEYS)),
        2 => format!("n:{}", dice.of(&NUMBERS)),
        3 => format!("time:2026-11-22T18:0{}:07Z", dice.below(10)),
        _ => format!("{}:{}", dice.of(&KEYS), dice.of(&TEXTS)),
    };
    (0..1 + dice.below(5)).map(|_| pair(dice)).collect::<Vec<String>>().join("\t")
}

fn access(dice: &mut Dice) -> String {
    let day = dice.of(&["22", "02", "2", "31", "00"]);
    let month = dice.of(&["Nov", "nov", "November", "Feb", "Xxx"]);
    let zone = dice.of(&["+0000", "-0530", "+02:00", "Z", "GMT", ""]);
    format!(
        "10.0.0.1 - - [{day}/{month}/2026:18:00:4{} {zone}] \"GET /x HTTP/1.1\" {} 2",
        dice.below(10),
        dice.of(&NUMBERS)
    )
}

fn dated(dice: &mut Dice) -> String {
    let time = dice.of(&[
        "2026-11-22 18:00:44,123",
        "2026-11-22 18:00:44.123456",
        "1795370401",
        "1795370401.25",
        "Nov 22 18:00:44",
        "11/22/26 06:00:44 PM",
        "2026-11-22T18:00:44+01:00",
        "Sun Nov 22 18:00:44 2026",
        "2026-13-22 18:00:44",
        "2026-11-22 24:00:44",
        "22/Nov/2026:18:00:47 +0000",
        "2024-02-29T23:59:60Z",
    ]);
    format!("{time} {} {}", dice.of(&["ERROR", "INFO", "[main]", ""]), plain(dice))
}

/// What an application writes.
fn written(dice: &mut Dice) -> Vec<u8> {
    let mut text = match dice.below(16) {
        0..=6 => object(dice, 0),
        7..=9 => plain(dice),
        10 => logfmt(dice),
        11 => ltsv(dice),
        12 => access(dice),
        13 => dated(dice),
        14 => value(dice, 1),
        _ => format!(
            "{}{}{}",
            dice.of(&["", "  ", "x "]),
            object(dice, 0),
            dice.of(&["", "  ", " trailing", "{\"z\":1}", ",", "\\n", "\r"])
        ),
    }
    .into_bytes();
    if dice.one_in(12) {
        let at = dice.below(text.len() + 1);
        text.splice(at..at, dice.of(&BAD).iter().copied());
    }
    if dice.one_in(25) && !text.is_empty() {
        text.truncate(dice.below(text.len()));
    }
    text.retain(|byte| *byte != b'\n');
    text
}

/// A line of a container's log file, or something that is none.
pub(super) fn line(dice: &mut Dice, number: usize) -> Vec<u8> {
    let fraction =
        dice.of(&[".104414813Z", ".104414813Z", ".104414813Z", ".5+02:00", "Z", ".123456789123Z", ".1-0330"]);
    let time = format!("2026-11-22T18:{:02}:{:02}{fraction}", number / 60, number % 60);
    let head = match dice.below(20) {
        0 => String::new(),
        1 => format!("{time} stdlog F "),
        2 => format!("{time} stdout "),
        3 => format!("{time} stdout P "),
        4 => format!("{time} stderr P "),
        5..=8 => format!("{time} stderr F "),
        _ => format!("{time} stdout F "),
    };
    [head.into_bytes(), written(dice)].concat()
}
