//! Configurations as people write them, from the filters that EKS allows: most of what is in them takes effect, some of it does not.

use super::case::{Case, ELASTICSEARCH, Section};
use super::dice::Dice;
use super::lines::line;

const KEYS: [&str; 12] =
    ["log", "stream", "time", "logtag", "level", "msg", "message", "a", "n", "http", "kubernetes", "nope"];

const ACCESSORS: [&str; 16] = [
    "$log",
    "$stream",
    "$level",
    "$msg",
    "$a",
    "$http['status']",
    "$kubernetes['namespace_name']",
    "$kubernetes['labels']['team']",
    "$kubernetes['labels']['app.kubernetes.io/name']",
    "$a['b']",
    "$user['a'][0]",
    "$logtag",
    "$n",
    "$kubernetes['container_name']",
    "$nope",
    "$dup",
];

const PATTERNS: [&str; 40] = [
    ".",
    "^$",
    "^\\s*$",
    "error",
    "(?i)error",
    "ERROR|WARN",
    "^(info|warn)",
    "health",
    "/healthz",
    "^std(out|err)$",
    "stdout",
    "\\d+",
    "^[0-9]+$",
    "[[:alpha:]]+",
    "^\\{.*\\}$",
    "\\{",
    "\"level\"",
    "^.{10,}$",
    "(?!x)",
    "^(?!.*healthz).*$",
    "(?<=a)b",
    "\\bGET\\b",
    "[^a-z ]",
    "\\w+@\\w+",
    "é",
    "[é中]",
    "\\\\n",
    "a.c",
    "(a|b)+c?",
    "x*",
    "^\\S+ \\S+",
    "(?<w>\\w+) (?<v>.*)",
    "\\p{Alpha}+",
    "^\\d{4}-\\d{2}",
    "[\\x00-\\x1f]",
    "\\t",
    "(?:ab)?$",
    "/error/i",
    "^shop$",
    "^(.)(.*)$",
];

fn pattern(dice: &mut Dice) -> String {
    if !dice.one_in(4) {
        return dice.of(&PATTERNS).to_owned();
    }
    let atom = |dice: &mut Dice| {
        let atom = dice.of(&[
            "a", "e", "r", ".", "\\d", "\\w", "\\s", "[a-m]", "[^\"]", "(a|e|l)", "(?:o|r)", "\\S", "[A-Z]", "o",
            "[0-9a-f]", "\\\"", "é", ":", "(?i:E)",
        ]);
        format!("{atom}{}", dice.of(&["", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "+?"]))
    };
    let atoms: String = (0..1 + dice.below(4)).map(|_| atom(dice)).collect();
    format!("{}{atoms}{}", dice.of(&["", "", "^"]), dice.of(&["", "", "$"]))
}

fn tags(dice: &mut Dice, section: &mut Section) {
    if dice.one_in(12) {
        section.add(
            "Match_Regex",
            dice.of(&["kube.*", ".*nginx.*", "^err", "nginx", "(kube|err)\\..*", "^[a-z]+$", ".*\\.log$"]),
        );
        return;
    }
    section.add(
        "Match",
        dice.of(&[
            "*",
            "*",
            "*",
            "kube.*",
            "kube.*",
            "kube.*",
            "err.*",
            "*nginx*",
            "new*",
            "*.log",
            "kube.var.log.containers.web*",
            "a.*",
        ]),
    );
}

fn flag(dice: &mut Dice, section: &mut Section, name: &str, cases: usize) {
    if dice.one_in(cases) {
        section.add(name, dice.of(&["On", "Off", "true", "false", "on", "no"]));
    }
}

const PARSERS: [&str; 13] = [
    "crio",
    "cri_kept",
    "json",
    "json_time",
    "logfmt",
    "ltsv",
    "access",
    "words",
    "dated",
    "decoding",
    "typed",
    "syslog",
    "any",
];

fn parsers() -> Vec<Section> {
    const CRI: &str = "^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$";
    const CRI_TIME: &str = "%Y-%m-%dT%H:%M:%S.%L%z";
    let parser = |name: &str, format: &str, rest: &[(&str, &str)]| {
        let mut section = Section::new("PARSER", &[("Name", name), ("Format", format)]);
        rest.iter().for_each(|(name, value)| section.add(name, *value));
        section
    };
    vec![
        parser("crio", "regex", &[("Regex", CRI), ("Time_Key", "time"), ("Time_Format", CRI_TIME)]),
        parser(
            "cri_kept",
            "regex",
            &[("Regex", CRI), ("Time_Key", "time"), ("Time_Format", CRI_TIME), ("Time_Keep", "On")],
        ),
        parser("json", "json", &[]),
        parser("json_time", "json", &[("Time_Key", "time"), ("Time_Format", CRI_TIME)]),
        parser("logfmt", "logfmt", &[]),
        parser("ltsv", "ltsv", &[("Types", "n:integer a:float b:bool")]),
        parser(
            "access",
            "regex",
            &[
                (
                    "Regex",
                    r#"^(?<host>[^ ]*) - (?<user>[^ ]*) \[(?<time>[^\]]*)\] "(?<method>\S+) (?<path>[^ "]*)[^"]*" (?<code>[^ ]*) (?<size>.*)$"#,
                ),
                ("Time_Key", "time"),
                ("Time_Format", "%d/%b/%Y:%H:%M:%S %z"),
                ("Types", "code:integer size:hex"),
            ],
        ),
        parser("words", "regex", &[("Regex", r"^(?<level>\w+) (?<msg>.*)$"), ("Skip_Empty_Values", "Off")]),
        parser(
            "dated",
            "regex",
            &[
                ("Regex", r"^(?<time>\S+ \S+) (?<rest>.*)$"),
                ("Time_Key", "time"),
                ("Time_Format", "%Y-%m-%d %H:%M:%S,%L"),
                ("Time_Offset", "+0130"),
            ],
        ),
        parser(
            "decoding",
            "json",
            &[
                ("Decode_Field_As", "escaped_utf8 log do_next"),
                ("Decode_Field_As", "json log"),
                ("Decode_Field", "json msg"),
            ],
        ),
        parser(
            "typed",
            "regex",
            &[("Regex", r"(?<n>[-+0-9.eE]+)\D*(?<b>true|false|\w*)"), ("Types", "n:float b:bool")],
        ),
        parser(
            "syslog",
            "regex",
            &[
                ("Regex", r"^(?<time>\w+ +\d+ [\d:.]+) (?<rest>.*)$"),
                ("Time_Key", "time"),
                ("Time_Format", "%b %d %H:%M:%S"),
            ],
        ),
        parser("any", "regex", &[("Regex", "^(?<everything>.*)$")]),
    ]
}

fn grep(dice: &mut Dice, section: &mut Section) {
    for _ in 0..1 + dice.below(3) {
        let key = if dice.one_in(2) { dice.of(&ACCESSORS) } else { dice.of(&KEYS) };
        section.add(dice.of(&["Regex", "Exclude", "Exclude"]), format!("{key} {}", pattern(dice)));
    }
}

fn parser(dice: &mut Dice, section: &mut Section) {
    section.add("Key_Name", if dice.one_in(6) { dice.of(&KEYS) } else { "log" });
    for _ in 0..1 + dice.below(2) {
        section.add("Parser", dice.of(&PARSERS));
    }
    flag(dice, section, "Reserve_Data", 2);
    flag(dice, section, "Preserve_Key", 3);
}

fn record_modifier(dice: &mut Dice, section: &mut Section) {
    for _ in 0..1 + dice.below(2) {
        section.add(
            "Record",
            dice.of(&[
                "cluster prod",
                "cluster \"prod eu\"",
                "log gone",
                "stream $x",
                "env ${x",
                "a  b",
                "level info",
                "kubernetes k",
            ]),
        );
    }
    match dice.below(5) {
        0 => section.add("Remove_key", dice.of(&KEYS)),
        1 => (0..2).for_each(|_| section.add("Remove_key", dice.of(&KEYS))),
        2 => section.properties.push(("Allowlist_key".to_owned(), dice.of(&KEYS).to_owned())),
        _ => {}
    }
}

fn rewrite_tag(dice: &mut Dice, section: &mut Section) {
    for _ in 0..1 + dice.below(2) {
        let tag = dice.of(&[
            "err.$TAG",
            "new.$TAG[4]",
            "new.$1.x",
            "new.$TAG[1].",
            "err.$stream.-",
            "err.all",
            "a.$stream",
            "new.$0",
            "err.$level.$TAG[1]",
            "new.$kubernetes['namespace_name'].$n",
            "a.$http['status']",
            "kube.var.log.containers.$TAG[4].log",
        ]);
        section.add(
            "Rule",
            format!(
                "{} {} {tag} {}",
                dice.of(&ACCESSORS),
                dice.of(&[
                    "^(std)(err)$",
                    "(?i)(error|warn)",
                    "^(.)(.*)$",
                    "^(info)",
                    "shop",
                    "stderr",
                    "^\\{",
                    "(\\d)"
                ]),
                dice.of(&["true", "false"])
            ),
        );
    }
}

fn nest(dice: &mut Dice, section: &mut Section) {
    if dice.one_in(2) {
        section.add("Operation", "lift");
        section.add("Nested_under", dice.of(&["kubernetes", "http", "a", "new", "log", "user"]));
    } else {
        section.add("Operation", "nest");
        for _ in 0..1 + dice.below(2) {
            section.add("Wildcard", dice.of(&["log*", "*", "k8s_*", "stream", "kube*", "l*g", "a", "nope*"]));
        }
        section.add("Nest_under", dice.of(&["new", "log", "kubernetes", "a", "http"]));
    }
    match dice.below(4) {
        0 => section.add("Add_prefix", dice.of(&["k8s_", "x.", "log"])),
        1 => section.add("Remove_prefix", dice.of(&["k8s_", "l", "log"])),
        _ => {}
    }
}

fn modify(dice: &mut Dice, section: &mut Section) {
    for _ in 0..dice.below(3) {
        let condition = match dice.below(7) {
            0 => format!("Key_exists {}", dice.of(&ACCESSORS)),
            1 => format!("Key_does_not_exist {}", dice.of(&KEYS)),
            2 => format!("A_key_matches {}", pattern(dice)),
            3 => format!("No_key_matches {}", pattern(dice)),
            4 => format!("Key_value_equals {} {}", dice.of(&KEYS), dice.of(&["stdout", "F", "info", "1", "hello"])),
            5 => format!("Key_value_matches {} {}", dice.of(&ACCESSORS), pattern(dice)),
            _ => format!("Matching_keys_have_matching_values {} {}", dice.of(&["^l", ".", "stream"]), pattern(dice)),
        };
        section.add("Condition", condition);
    }
    for _ in 0..1 + dice.below(3) {
        let (from, to) = (dice.of(&KEYS), dice.of(&["new", "log", "level", "a", "stream", "x"]));
        match dice.below(10) {
            0 => section.add("Set", format!("{to} {}", dice.of(&["v", "\"a b\"", "1", "$log"]))),
            1 => section.add("Add", format!("{to} v")),
            2 => section.add("Rename", format!("{from} {to}")),
            3 => section.add("Hard_rename", format!("{from} {to}")),
            4 => section.add("Copy", format!("{from} {to}")),
            5 => section.add("Hard_copy", format!("{from} {to}")),
            6 => section.add("Remove", from),
            7 => section.add("Remove_wildcard", dice.of(&["lo", "k", "s", "nope"])),
            8 => section.add("Remove_regex", pattern(dice)),
            _ => section.add("Add_if_not_present", format!("{to} v")),
        }
    }
}

fn kubernetes(dice: &mut Dice, section: &mut Section) {
    flag(dice, section, "Merge_Log", 1);
    for name in ["Keep_Log", "Labels", "Annotations", "K8S-Logging.Parser", "K8S-Logging.Exclude", "Merge_Log_Trim"] {
        flag(dice, section, name, 3);
    }
    if dice.one_in(4) {
        section.add("Merge_Log_Key", dice.of(&["data", "log", "kubernetes", "a", "log_processed"]));
    }
    if dice.one_in(8) {
        section.add("Merge_Parser", dice.of(&PARSERS));
    }
    if dice.one_in(10) {
        section.add("Kube_Tag_Prefix", dice.of(&["kube.var.log.containers.", "kube.", "err.kube.var.log.containers."]));
    }
    flag(dice, section, "Use_Tag_For_Meta", 12);
    if dice.one_in(3) {
        section.add("Buffer_Size", dice.of(&["0", "64k"]));
    }
}

fn throttle(dice: &mut Dice, section: &mut Section) {
    section.add("Rate", dice.of(&["1", "5", "1000"]));
    section.add("Window", dice.of(&["1", "2", "5", "300"]));
    section.add("Interval", "60s");
}

fn elasticsearch(dice: &mut Dice) -> Section {
    let mut section = Section::new("OUTPUT", &[("Name", ELASTICSEARCH)]);
    for name in
        ["Logstash_Format", "Suppress_Type_Name", "Include_Tag_Key", "Time_Key_Nanos", "Replace_Dots", "Generate_ID"]
    {
        flag(dice, &mut section, name, 2);
    }
    let options: [(&str, &[&str]); 9] = [
        ("Index", &["shop", "a\"b"]),
        ("Type", &["_doc", "log"]),
        ("Logstash_Prefix", &["eks", "a-long-prefix-of-somebody"]),
        ("Logstash_Prefix_Key", &["$stream", "level", "$kubernetes['namespace_name']", "log", "nope"]),
        ("Logstash_DateFormat", &["%Y.%m", "%Y.%W", "%d%b%Y"]),
        ("Time_Key", &["@t", "t.k"]),
        ("Time_Key_Format", &["%Y-%m-%d %H:%M", "%F %j"]),
        ("Tag_Key", &["tag", "log"]),
        ("Id_Key", &["$msg", "stream", "$level", "log", "nope"]),
    ];
    for (name, values) in options {
        if dice.one_in(3) {
            section.add(name, dice.of(values));
        }
    }
    if dice.one_in(4) {
        section.add("Write_Operation", dice.of(&["index", "create", "update", "upsert"]));
    }
    section
}

fn filter(dice: &mut Dice) -> Section {
    type Fill = fn(&mut Dice, &mut Section);
    const ALL: [(&str, Fill); 15] = [
        ("grep", grep),
        ("grep", grep),
        ("parser", parser),
        ("parser", parser),
        ("record_modifier", record_modifier),
        ("rewrite_tag", rewrite_tag),
        ("rewrite_tag", rewrite_tag),
        ("nest", nest),
        ("nest", nest),
        ("modify", modify),
        ("modify", modify),
        ("modify", modify),
        ("kubernetes", kubernetes),
        ("kubernetes", kubernetes),
        ("throttle", throttle),
    ];
    let (name, fill) = dice.of(&ALL);
    let mut section = Section::new("FILTER", &[("Name", name)]);
    tags(dice, &mut section);
    fill(dice, &mut section);
    section
}

/// The case of a seed.
pub(crate) fn case(seed: u64, lines: usize) -> Case {
    let dice = &mut Dice::new(seed);
    let mut filters: Vec<Section> = Vec::new();
    // As nearly everybody begins.
    if !dice.one_in(6) {
        filters.push(Section::new(
            "FILTER",
            &[("Name", "parser"), ("Match", "*"), ("Key_name", "log"), ("Parser", dice.of(&["crio", "cri_kept"]))],
        ));
        if dice.one_in(2) {
            filters[0].add("Reserve_Data", "On");
        }
    }
    if dice.one_in(2) {
        let mut section = Section::new("FILTER", &[("Name", "kubernetes"), ("Match", "kube.*")]);
        kubernetes(dice, &mut section);
        filters.push(section);
    }
    filters.extend((0..dice.below(5)).map(|_| filter(dice)));
    let mut outputs: Vec<Section> = (0..1 + dice.below(2)).map(|_| Section::new("OUTPUT", &[])).collect();
    if dice.one_in(4) {
        outputs.push(elasticsearch(dice));
    }
    outputs.iter_mut().for_each(|output| tags(dice, output));
    // Only those that are used, and one that is not.
    let mut parsers = parsers();
    let spare = dice.below(parsers.len());
    let named = |name: &str| filters.iter().flat_map(|filter| &filter.properties).any(|(_, value)| value == name);
    let mut place = 0;
    parsers.retain(|parser| {
        place += 1;
        named(parser.name()) || place - 1 == spare
    });
    Case { parsers, filters, outputs, lines: (0..lines).map(|number| line(dice, number)).collect() }
}
