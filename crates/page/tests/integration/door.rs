//! Who is let in, and what every answer forbids.

use super::{get, log, page, place, send};
use page::Page;

const FILES: [&str; 4] = ["", "page.css", "main.js", "icon.svg"];

#[tokio::test]
async fn who_has_the_address_sees_the_page() {
    let page = page().await;
    page.add(&log("hello"));
    let (address, path) = place(&page);
    for (file, kind) in FILES.iter().zip(["text/html", "text/css", "text/javascript", "image/svg+xml"]) {
        let answer = get(address, &format!("{path}{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("content-type").unwrap().starts_with(kind) && answer.body.len() > 100, "{file}");
    }
    let whole = get(address, &format!("{path}log/0")).await;
    assert!(whole.body.contains("record of hello"), "{}", whole.body);
    for missing in
        ["log/1", "log/", "log/-1", "log/99999999999999999999", "log/0/", "x", "../main.js", "assets/main.js", "/"]
    {
        assert_eq!(get(address, &format!("{path}{missing}")).await.status, 404, "{missing}");
    }
    // Without the last slash the files would be asked for beside the token.
    let answer = get(address, path.trim_end_matches('/')).await;
    assert_eq!((answer.status, answer.header("location")), (308, Some(path.as_str())));
}

#[tokio::test]
async fn who_lacks_the_token_is_told_nothing() {
    let page = page().await;
    page.add(&log("secret text"));
    let (address, path) = place(&page);
    let token = path.trim_matches('/');
    let (short, other) = (&token[..token.len() - 1], format!("{short}{last}", short = &token[1..], last = 'g'));
    let mut paths: Vec<String> =
        ["/", "/main.js", "/tail", "/log/0", "//", "/favicon.ico", "/?token"].map(str::to_owned).to_vec();
    for wrong in [
        short,
        &other,
        &token.to_uppercase(),
        &format!("{token}0"),
        &format!("%{token}"),
        &format!(" {token}"),
        &format!("./{token}"),
    ] {
        // A token of digits alone is the same in capitals.
        if wrong != token && !wrong.contains(' ') {
            paths.push(format!("/{wrong}/"));
            paths.push(format!("/{wrong}/log/0"));
        }
    }
    paths.push(format!("/?{token}"));
    paths.push(format!("//{token}/"));
    for path in paths {
        let answer = get(address, &path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.body, "Open the address that podferry printed.\n");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_not_enough() {
    let page = page().await;
    let (address, path) = place(&page);
    let with = |hosts: &str| format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    for host in ["127.0.0.1", "localhost:1234", "[::1]:80"] {
        assert_eq!(send(address, &with(&format!("Host: {host}\r\n"))).await.status, 200, "{host}");
    }
    for hosts in [
        "",
        "Host:\r\n",
        "Host: rebound.example\r\n",
        "Host: 127.0.0.1.rebound.example\r\n",
        "Host: 127.0.0.1\r\nHost: rebound.example\r\n",
        "Host: 192.168.0.1\r\n",
        "X-Forwarded-Host: 127.0.0.1\r\n",
    ] {
        assert_eq!(send(address, &with(hosts)).await.status, 403, "{hosts}");
    }
    // The name in the first line counts for nothing.
    let absolute = format!("GET http://{address}{path} HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n");
    assert_eq!(send(address, &absolute).await.status, 403);
}

#[tokio::test]
async fn every_answer_forbids_what_a_page_of_the_web_could_try() {
    let page = page().await;
    let (address, path) = place(&page);
    for path in [path.clone(), format!("{path}main.js"), format!("{path}log/7"), "/".to_owned()] {
        let answer = get(address, &path).await;
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "trusted-types 'none'",
        ] {
            assert!(policy.split("; ").any(|one| one == part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(!answer.head.contains("access-control-"), "{}", answer.head);
    }
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let page = page().await;
    let (address, path) = place(&page);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = send(address, &request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = send(address, &format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_address_that_the_network_reaches_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = Page::start(address.parse().unwrap(), "", "").await.err().unwrap();
        assert!(refused.to_string().contains("exposed"), "{address}: {refused}");
    }
}
