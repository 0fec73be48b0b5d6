//! The built-in scrubbers on labelled samples: what each must hit, what it must leave.
//!
//! In a sample's line, `+` and hits between ‹ and ›; or `-` and nothing to hit.

use std::borrow::Cow;

use pipeline::rules::scrub::Scrubber;
use proptest::prelude::*;

fn sample(scrubber: Scrubber) -> Vec<(bool, String)> {
    let path = format!("{}/tests/fixtures/scrub/{}.txt", testkit::ROOT, scrubber.name());
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| (line.starts_with('+'), line[2..].to_owned())).collect()
}

/// The text of a labelled line, and what is to come of it.
fn expected(scrubber: Scrubber, labelled: &str) -> (String, String, usize) {
    let mut parts = labelled.split('‹');
    let mut scrubbed = parts.next().unwrap().to_owned();
    let mut hits = 0;
    for part in parts {
        let (_, rest) = part.split_once('›').unwrap();
        scrubbed += scrubber.replacement();
        scrubbed += rest;
        hits += 1;
    }
    (labelled.replace(['‹', '›'], ""), scrubbed, hits)
}

#[test]
fn precision_and_recall() {
    let mut wrong = Vec::new();
    for scrubber in Scrubber::ALL {
        let (mut found, mut there, mut right, mut left) = (0, 0, 0, 0);
        for (has_hits, line) in sample(scrubber) {
            let (text, scrubbed, hits) = expected(scrubber, &line);
            assert_eq!(has_hits, hits > 0, "{line}");
            let result = scrubber.scrub(&text);
            let here = result.matches(scrubber.replacement()).count() - text.matches(scrubber.replacement()).count();
            there += hits;
            found += here;
            left += usize::from(!has_hits);
            if result == scrubbed {
                right += hits;
            } else {
                wrong.push(format!("{}: {text}\n  should be {scrubbed}\n  is        {result}", scrubber.name()));
            }
        }
        println!("{}: {there} to hit, {left} lines to leave; {found} hit, {right} right", scrubber.name());
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is to be left alone by one scrubber is left alone by the others too, unless it is theirs.
#[test]
fn scrubbers_leave_what_is_not_theirs() {
    // Whole lines that hold another scrubber's subject.
    const THEIRS: [(&str, &str); 14] = [
        ("email", "ipv4"),
        ("ipv6", "ipv4"),
        ("ipv4", "ipv6"),
        ("bearer", "jwt"),
        ("jwt", "bearer"),
        ("email", "ipv6"),
        ("jwt", "aws_access_key"),
        ("credit_card", "ipv4"),
        ("aws_access_key", "bearer"),
        ("email", "aws_access_key"),
        ("ipv6", "credit_card"),
        ("ipv4", "credit_card"),
        ("credit_card", "ipv6"),
        ("email", "credit_card"),
    ];
    let mut hits = Vec::new();
    for of in Scrubber::ALL {
        for (_, line) in sample(of).into_iter().filter(|(has_hits, _)| !has_hits) {
            for other in Scrubber::ALL.into_iter().filter(|other| *other != of) {
                let is_theirs = THEIRS.contains(&(of.name(), other.name()));
                if !is_theirs && matches!(other.scrub(&line), Cow::Owned(_)) {
                    hits.push(format!("{} in the sample of {}: {line}", other.name(), of.name()));
                }
            }
        }
    }
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

/// A quadratic scrubber would not end.
#[test]
fn much_of_the_same_takes_no_longer() {
    let units = [
        "@",
        "a@",
        "a@b.",
        "1",
        "1.",
        "1.1.1.1.",
        ":",
        "::1",
        "ab:",
        "eyJ",
        "eyJa.",
        "Bearer ",
        "b",
        "AKIA",
        "IA",
        "4111 ",
        "secret",
        "a.",
        "-",
        "x@b.io ",
        "10.0.0.1 ",
        "2001:db8::1 ",
        "4111111111111111 ",
        "AKIAIOSFODNN7EXAMPLE ",
        "谢",
        "谢@",
        "é@",
        "я.я@",
        "a@例.",
        "a@谢谢.é",
        "谢10.0.0.1",
        "卡4111111111111111",
        "ann@example.org谢",
        r"\u0022",
        r"\u00224111111111111111",
        r"\u001b[32m10.0.0.1",
        "\x1b[1;2;3m::1",
    ];
    for unit in units {
        let text = unit.repeat(1_000_000 / unit.len());
        for scrubber in Scrubber::ALL {
            let _ = scrubber.scrub(&text);
        }
    }
}

#[test]
fn names_are_names() {
    for scrubber in Scrubber::ALL {
        assert_eq!(Scrubber::named(scrubber.name()), Some(scrubber));
    }
    assert_eq!(Scrubber::named("Email"), None);
    assert_eq!(Scrubber::named(""), None);
}

/// A value that each scrubber must hit.
fn planted() -> impl Strategy<Value = (Scrubber, String)> {
    prop_oneof![
        "[a-z]{1,8}[.+_]?[a-z0-9]{1,8}@[a-z]{1,8}\\.(com|org|eu)".prop_map(|text| (Scrubber::Email, text)),
        (0u8.., 0u8.., 0u8.., 0u8..).prop_map(|(a, b, c, d)| (Scrubber::Ipv4, format!("{a}.{b}.{c}.{d}"))),
        (1u16..).prop_map(|group| (Scrubber::Ipv6, format!("2001:db8::{group:x}"))),
        "[A-Z2-7]{16}".prop_map(|id| (Scrubber::AwsAccessKey, format!("AKIA{id}"))),
        "[A-Za-z0-9_-]{4,40}".prop_map(|part| (Scrubber::Jwt, format!("eyJhbGciOiJIUzI1NiJ9.{part}.{part}"))),
        "[A-Za-z0-9]{8,40}1".prop_map(|token| (Scrubber::Bearer, format!("Bearer {token}"))),
        "4[0-9]{14}".prop_map(|digits| (Scrubber::CreditCard, with_check_digit(&digits))),
    ]
}

fn with_check_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| match u32::from(byte - b'0') * if index % 2 == 0 { 2 } else { 1 } {
            double @ 10.. => double - 9,
            digit => digit,
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

proptest! {
    #[test]
    fn planted_values_are_hit((scrubber, value) in planted(), head in "[a-z ,;\"({=]{0,20}", tail in "[a-z ,;\")}]{0,20}") {
        let text = format!("{head} {value} {tail}");
        let scrubbed = scrubber.scrub(&text);
        let secret = value.strip_prefix("Bearer ").unwrap_or(&value);
        prop_assert!(!scrubbed.contains(secret), "{}: {}", text, scrubbed);
        prop_assert!(scrubbed.ends_with(&tail));
    }

    #[test]
    fn planted_values_are_hit_between_letters_that_are_not_latin(
        (scrubber, value) in planted(),
        head in "[\\p{Han}\\p{Hiragana}\\p{Thai}\\p{Khmer}\\p{Arabic}\\p{Cyrillic}\\p{Hangul}、：（]{1,6}",
        tail in "[\\p{Han}\\p{Katakana}\\p{Lao}\\p{Myanmar}\\p{Hebrew}\\p{Greek}\\p{Devanagari}。，）]{1,6}",
    ) {
        let text = format!("{head}{value}{tail}");
        let scrubbed = scrubber.scrub(&text);
        let secret = value.strip_prefix("Bearer ").unwrap_or(&value);
        prop_assert!(!scrubbed.contains(secret), "{}: {}", text, scrubbed);
        prop_assert!(scrubbed.starts_with(&head) && scrubbed.ends_with(&tail), "{}: {}", text, scrubbed);
    }

    #[test]
    fn any_text_is_scrubbed_once(
        text in "([a-z0-9.@:%/\\-_ \"\\\\éя谢ก\u{301}A-Z+=]|eyJ|::|1\\.2|Bearer |AKIA|4111111111111111|\\\\u0022|\\\\u001b\\[32m|@example\\.com){0,60}|\\PC{0,40}",
    ) {
        for scrubber in Scrubber::ALL {
            let once = scrubber.scrub(&text);
            let twice = scrubber.scrub(&once);
            prop_assert_eq!(&twice, &once, "{:?}", scrubber);
            if matches!(once, Cow::Borrowed(_)) {
                prop_assert_eq!(&*once, &*text);
            }
        }
    }
}
