//! Rules on texts with escapes in them: what Fluent Bit's `Merge_Log` put together, what applications write as JSON, and attributes.

use pipeline::rules::scrub::Scrubber;
use pipeline::rules::{ProcessingRule, RuleAction, RuleSet};
use pipeline::{LogCounts, PipelineSettings};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

const TIME: i64 = 1_795_379_888_236;

/// A record of the CRI parser and the Kubernetes filter under these rules; `members` stand where the line was, `behind` behind the filter's.
fn record(rules: &Value, members: &str, behind: &str) -> String {
    let rules = Value::from(json!([{ "log_processing_rules": rules }]).to_string());
    format!(
        r#"{{"stream":"stdout","logtag":"F",{members},"kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx","docker_id":"{ID}","annotations":{{"ad.datadoghq.com/nginx.logs":{rules}}}}}{behind}}}"#
    )
}

fn run(records: &[String]) -> (Vec<Value>, LogCounts) {
    let messages: Vec<(i64, &str)> = records.iter().map(|record| (TIME, record.as_str())).collect();
    forward_from(GROUP, &stream(), &messages, &PipelineSettings::default())
}

/// What arrives of an application's object that `Merge_Log` took apart.
fn merged(rules: &Value, members: &str) -> Option<String> {
    let (logs, _) = run(&[record(rules, members, "")]);
    logs.first().map(|log| log["message"].as_str().unwrap().to_owned())
}

/// What arrives of a line.
fn line(rules: &Value, text: &str) -> Option<String> {
    merged(rules, &format!(r#""log":{}"#, Value::from(text)))
}

/// The attributes that arrive: those behind the filter's members.
fn attributes(rules: &Value, behind: &str) -> Value {
    run(&[record(rules, r#""log":"line""#, behind)]).0[0]["fluent_bit"].clone()
}

/// The same as they are written. What is no JSON to a strict reader is written as a string.
fn raw_attributes(rules: &Value, behind: &str) -> String {
    let event = event(&content(GROUP, &stream(), &[(TIME, &record(rules, r#""log":"line""#, behind))]));
    let processed = pipeline::process(&event, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
    let payload = String::from_utf8(processed.payloads[0].plain().unwrap()).unwrap();
    let (_, attributes) = payload.split_once(r#""fluent_bit":"#).unwrap();
    attributes.strip_suffix("}]").unwrap().to_owned()
}

fn mask(pattern: &str) -> Value {
    json!([{ "type": "mask_sequences", "name": "m", "pattern": pattern, "replace_placeholder": "***" }])
}

#[test]
fn a_mask_sees_the_letters_that_fluent_bit_escaped() {
    let name = mask(r"Kunde: [\p{L} ]+");
    let (logs, counts) = run(&[record(&name, r#""msg":"Kunde: J\u00f6rg M\u00fcller","ort":"K\u00f6ln","n":1e3"#, "")]);
    assert_eq!(logs[0]["message"], r#"{"msg":"***","ort":"Köln","n":1e3}"#);
    assert_eq!(counts.masked, 1);
    let emoji = mask("😀+");
    assert_eq!(merged(&emoji, r#""m":"a\ud83d\ude00b""#).unwrap(), r#"{"m":"a***b"}"#);
    let path = mask("/home/[a-z]+");
    assert_eq!(merged(&path, r#""m":"\/home\/ann""#).unwrap(), r#"{"m":"***"}"#);
}

#[test]
fn what_no_rule_changes_ships_as_it_was_written() {
    let members = r#""m":"J\u00f6rg \ud83d \ud83d\ude00 \/ \u0022 \u000a","n":12345678901234567890123,"n":1.50"#;
    let wanted = format!("{{{members}}}");
    for rules in [Value::Null, mask("absent"), json!([{ "type": "include_at_match", "name": "i", "pattern": "Jörg" }])]
    {
        assert_eq!(merged(&rules, members).as_deref(), Some(wanted.as_str()));
    }
    // What hides the same in both spellings changes nothing else.
    let changed = wanted.replace("12345678901234567890123", "***");
    assert_eq!(merged(&mask("[0-9]{20,}"), members).as_deref(), Some(changed.as_str()));
}

#[test]
fn a_mask_may_be_written_with_the_escapes() {
    let members = r#""m":"Kunde: J\u00f6rg und","o":"K\u00f6ln""#;
    for pattern in [r"J\\u00f6rg", r"J(\\u[0-9a-f]{4}|\w)+", r"Jörg", r"J[^ ]+", r"J\pL+", r#"J[!#-~]+"#] {
        let text = merged(&mask(pattern), members).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["m"], &value["o"]), (&json!("Kunde: *** und"), &json!("Köln")), "{pattern}: {text}");
    }
    // After another mask, too.
    let both = json!([
        { "type": "mask_sequences", "name": "a", "pattern": "Jörg", "replace_placeholder": "é" },
        { "type": "mask_sequences", "name": "b", "pattern": r"K\\u00f6ln", "replace_placeholder": "*" },
        { "type": "mask_sequences", "name": "c", "pattern": "é und", "replace_placeholder": "-" },
    ]);
    assert_eq!(merged(&both, members).unwrap(), r#"{"m":"Kunde: -","o":"*"}"#);
}

#[test]
fn exclude_and_include_match_either_spelling() {
    let members = r#""m":"J\u00f6rg""#;
    for pattern in ["Jörg", r"J\\u00f6rg"] {
        let rule = |kind: &str| json!([{ "type": kind, "name": "r", "pattern": pattern }]);
        assert_eq!(merged(&rule("exclude_at_match"), members), None);
        assert!(merged(&rule("include_at_match"), members).is_some());
        assert!(merged(&rule("exclude_at_match"), r#""m":"Jorg""#).is_some());
        assert_eq!(merged(&rule("include_at_match"), r#""m":"Jorg""#), None);
    }
}

#[test]
fn an_applications_own_json_is_read_alike() {
    let name = mask(r"Kunde: [\p{L} ]+");
    for (text, wanted) in [
        (r#"{"msg":"Kunde: J\u00f6rg","n":1}"#, r#"{"msg":"***","n":1}"#),
        (r#"INFO {"msg":"Kunde: J\u00f6rg"}"#, r#"INFO {"msg":"***"}"#),
        (r#"["Kunde: J\u00f6rg"]"#, r#"["***"]"#),
        ("Kunde: Jörg", "***"),
        // Escaped twice: Datadog shows `J\u00f6rg`.
        (r#"{"msg":"Kunde: J\\u00f6rg"}"#, r#"{"msg":"***\\u00f6rg"}"#),
        // What would break the JSON stays escaped.
        (r#"{"msg":"Kunde: J\u0022\u005c\u000ax"}"#, r#"{"msg":"***\u0022\u005c\u000ax"}"#),
        (r#"{"msg":"Kunde: J\u00f6\u0022\u005c\u000ax"}"#, r#"{"msg":"***\"\\\nx"}"#),
    ] {
        assert_eq!(line(&name, text).as_deref(), Some(wanted), "{text}");
    }
    // Cut in the middle of its JSON, the record ships as it stands, or what there is of the line.
    for cut in [r#"{"stream":"stdout","logtag":"F","log":"x Kunde: J\u00f6rg"#, r#"{"x":"Kunde: J\u00f6rg","y":{"#] {
        let whole = record(&name, r#""log":"x""#, "");
        let (logs, _) = run(&[whole, cut.to_owned()]);
        let text = logs[1]["message"].as_str().unwrap();
        assert!(text.contains("***") && !text.contains("rg"), "{text}");
    }
}

#[test]
fn half_a_pair_and_depth_stop_nothing() {
    let name = mask(r"J\pL+");
    assert_eq!(merged(&name, r#""a":"\ud83d","b":"J\u00f6rg""#).unwrap(), r#"{"a":"\ud83d","b":"***"}"#);
    let deep = format!(r#"{}"J\u00f6rg"{}"#, "[".repeat(130), "]".repeat(130));
    let masked = merged(&name, &format!(r#""a":{deep},"b":1"#)).unwrap();
    assert_eq!(masked, format!(r#"{{"a":{},"b":1}}"#, deep.replace(r"J\u00f6rg", "***")));
    for behind in [format!(r#","extra":{deep}"#), r#","extra":"J\u00f6rg","half":"\ud83d""#.to_owned()] {
        let attributes = attributes(&name, &behind).to_string();
        assert!(attributes.contains("***") && !attributes.contains("rg"), "{attributes}");
    }
}

#[test]
fn attributes_are_masked_part_by_part() {
    let behind = r#","n":12345678901234567890123,"n":1.50,"q":"say \"J\u00f6rg\"\nnow","J\u00f6rg":[true,null,4711]"#;
    for (pattern, wanted) in [
        (r#"say "J\pL+"\nnow"#, behind.replace(r#"say \"J\u00f6rg\"\nnow"#, "***")),
        (r"^J\pL+$", behind.replace(r#""J\u00f6rg":"#, r#""***":"#)),
        ("^4711$", behind.replace("4711", r#""***""#)),
        ("absent", behind.to_owned()),
    ] {
        assert_eq!(raw_attributes(&mask(pattern), behind), format!("{{{}}}", &wanted[1..]), "{pattern}");
    }
    // And then the whole: name and value together.
    assert_eq!(attributes(&mask(r#""q":"[^"]*""#), r#","q":"x","r":1"#), json!(r#"{***,"r":1}"#));
}

fn scrubbing() -> PipelineSettings {
    let rule =
        |scrubber: Scrubber| ProcessingRule { name: scrubber.name().to_owned(), action: RuleAction::Scrub(scrubber) };
    let rules = RuleSet { rules: Scrubber::ALL.map(rule).into(), ..RuleSet::default() };
    let mut settings = PipelineSettings::default();
    settings.processing.last = rules.into();
    settings
}

#[test]
fn scrubbers_see_both_spellings() {
    for (members, wanted) in [
        (r#""m":"ann\u0040example.org""#, r#"{"m":"[email]"}"#),
        // Found in both.
        (r#""m":"\u5361\u53f74111111111111111\u53f7""#, r#"{"m":"\u5361\u53f7[credit_card]\u53f7"}"#),
        (r#""m":"\u5730\u574010.1.2.3\u670d""#, r#"{"m":"\u5730\u5740[ipv4]\u670d"}"#),
        (r#""m":"{\u0022ip\u0022:\u002210.1.2.3\u0022}""#, r#"{"m":"{\u0022ip\u0022:\u0022[ipv4]\u0022}"}"#),
        (r#""m":"\u8054\u7cfbann@example.org\u8c22""#, r#"{"m":"\u8054\u7cfb[email]\u8c22"}"#),
        (r#""m":"\u00e9ann@example.org\u00e9""#, r#"{"m":"[email]"}"#),
    ] {
        let record = record(&Value::Null, members, "");
        let (logs, _) = forward_from(GROUP, &stream(), &[(TIME, &record)], &scrubbing());
        assert_eq!(logs[0]["message"], wanted);
    }
}

/// A text spelled as Fluent Bit spells it.
fn spelled(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.chars().fold(String::new(), |out, character| match character {
        ' '..='~' => out + &character.to_string(),
        _ => character.encode_utf16(&mut [0; 2]).iter().fold(out, |out, unit| out + &format!("\\u{unit:04x}")),
    })
}

proptest! {
    #[test]
    fn what_a_mask_hides_in_a_line_it_hides_in_a_merged_object(
        text in r"[a-cäß語😀 4-6\\]{0,24}",
        pattern in prop_oneof![
            Just(r"[äß語]+"), Just(r"\pL+5"), Just("[a-c]4"), Just("😀[^ ]*"), Just(r"(?s)語.*5"), Just(r"\w+"), Just(r"5|\pL{2}"),
        ],
    ) {
        let rules = mask(pattern);
        prop_assume!(!text.trim().is_empty());
        let alone = line(&rules, &format!("= {text} =")).unwrap();
        let object = merged(&rules, &format!(r#""語":true,"=":{}"#, spelled(&format!("= {text} =")))).unwrap();
        let read = ["ä", "ß", "語", "😀"].into_iter().fold(object, |object, letter| object.replace(spelled(letter).trim_matches('"'), letter));
        for secret in ['ä', 'ß', '😀', '4', '6'] {
            prop_assert!(read.matches(secret).count() <= alone.matches(secret).count(), "{} of {} in {}", secret, alone, read);
        }
    }

    #[test]
    fn what_matches_alone_never_survives_in_attributes(
        parts in proptest::collection::vec("[ab7é\"\\\\\n/]{0,8}", 1..5), half: bool,
    ) {
        let members: String = parts.iter().enumerate().map(|(number, part)| format!(r#","k{number}":[{}]"#, spelled(part))).collect();
        let half = if half { r#","half":"\ud83d""# } else { "" };
        let attributes = raw_attributes(&mask(r#"^[ab]*7[^7]*$|é["\n]"#), &format!("{members}{half}"));
        let attributes: Value = serde_json::from_str(&attributes).unwrap();
        let attributes = attributes.as_str().map_or_else(|| attributes.to_string(), str::to_owned);
        for part in &parts {
            let matches = part.trim_start_matches(['a', 'b']).starts_with('7') && part.matches('7').count() == 1;
            if matches {
                let surviving = [json!([part]).to_string(), format!("[{}]", spelled(part))];
                prop_assert!(surviving.iter().all(|part| !attributes.contains(part)), "{attributes}");
            }
        }
    }
}
