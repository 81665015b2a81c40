//! What is answered for a file: its bytes, what the browser may do with them, and whether it has them already.

use crate::files::{FILES, content_type};
use crate::sign_in::SignIn;
use edge::{Answer, Problem};
use lambda_http::http::{HeaderName, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// What `GET /console` shows; under `/console/` its links would lead elsewhere.
const PAGE: &str = "index.html";
const ABOUT: &str = "about.json";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// All that is served.
#[derive(Debug)]
pub struct Site {
    files: BTreeMap<&'static str, File>,
    policy: String,
}

#[derive(Debug)]
struct File {
    text: String,
    tag: String,
}

impl Site {
    /// The page, with what it is told about this build.
    pub fn new(about: &Value, sign_in: Option<&SignIn>) -> Self {
        let files = FILES.iter().map(|(name, text)| (*name, (*text).to_owned()));
        let files = files.chain([(ABOUT, about.to_string())]);
        let files = files.map(|(name, text)| {
            let hash = Sha256::digest(&text);
            let tag = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
            let tag = format!("\"{}\"", tag.collect::<String>());
            (name, File { text, tag })
        });
        Self {
            files: files.collect(),
            policy: policy(sign_in),
        }
    }
}

/// What the browser lets the page do: run its own files, call its own API and the issuer, and make markup of no text.
fn policy(sign_in: Option<&SignIn>) -> String {
    let issuer = sign_in.map(|sign_in| format!(" {}", sign_in.token_origin));
    let issuer = issuer.unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{issuer}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The answer to `GET /console` or `GET /console/{file}`.
///
/// # Errors
/// None: a problem is an answer, too.
pub fn answer(site: &Site, request: &Request) -> Result<Response<Body>, Infallible> {
    let parameters = request.path_parameters();
    let asked = parameters.first("file");
    let name = asked.unwrap_or(PAGE);
    let found = site.files.get(name).filter(|_| asked != Some(PAGE));
    let Some(file) = found else {
        let detail = format!("the console has no file {name}; it begins at /console");
        return Ok(Problem::new(StatusCode::NOT_FOUND, "no-such-file", detail).into());
    };
    let known = request.headers().get_all(header::IF_NONE_MATCH).into_iter();
    let mut known = known
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','));
    let is_known = known.any(
        |tag| matches!(tag.trim(), tag if tag == "*" || tag.trim_start_matches("W/") == file.tag),
    );
    let status = match is_known {
        true => StatusCode::NOT_MODIFIED,
        false => StatusCode::OK,
    };
    let answer = Answer::new(status)
        .header(header::ETAG, &file.tag)
        // OK because a file keeps its name from build to build: it is asked for each time, and rarely sent.
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::CONTENT_SECURITY_POLICY, &site.policy)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(OPENER, "same-origin");
    Ok(match is_known {
        true => answer.body(String::new()),
        false => answer
            .header(header::CONTENT_TYPE, content_type(name))
            .body(file.text.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::http::HeaderMap;
    use serde_json::json;
    use std::collections::HashMap;

    fn site(sign_in: Option<&SignIn>) -> Site {
        Site::new(&json!({ "name": "prod" }), sign_in)
    }

    fn ask(file: Option<&str>, tag: Option<&str>) -> (u16, HeaderMap, String) {
        let mut request = Request::default();
        if let Some(tag) = tag {
            let tag = tag.parse().expect("a header");
            request.headers_mut().insert(header::IF_NONE_MATCH, tag);
        }
        if let Some(file) = file {
            let path = HashMap::from([("file".to_owned(), vec![file.to_owned()])]);
            request = request.with_path_parameters(path);
        }
        let Ok(response) = answer(&site(None), &request);
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.to_vec()).expect("text");
        (parts.status.as_u16(), parts.headers, body)
    }

    #[test]
    fn each_file_has_its_type() {
        for (file, kind, begin) in [
            (None, "text/html; charset=utf-8", "<!doctype html>"),
            (Some("app.js"), "text/javascript; charset=utf-8", "//"),
            (Some("style.css"), "text/css; charset=utf-8", "/*"),
            (Some("icon.svg"), "image/svg+xml", "<svg"),
            (Some("about.json"), "application/json", "{\"name\":\"prod\""),
        ] {
            let (status, headers, body) = ask(file, None);
            assert_eq!(status, 200, "{file:?}");
            assert_eq!(headers[header::CONTENT_TYPE], kind);
            assert!(body.starts_with(begin), "{file:?}: {body:.40}");
        }
    }

    #[test]
    fn the_page_may_do_nothing_but_call_its_own_api() {
        let (_, headers, _) = ask(None, None);
        let policy = headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        let directives: Vec<_> = policy.split("; ").collect();
        for needed in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(directives.contains(&needed), "{needed} is not in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    }

    #[test]
    fn where_people_sign_in_the_page_may_ask_for_their_token() {
        let sign_in = SignIn::of(
            "console".to_owned(),
            "https://a.example/in".to_owned(),
            "https://b.example/token".to_owned(),
        );
        let sign_in = sign_in.expect("it is right");
        let policy = site(sign_in.as_ref()).policy;
        assert!(
            policy.contains("connect-src 'self' https://b.example; "),
            "{policy}"
        );
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let (_, headers, _) = ask(Some("app.js"), None);
        let tag = headers[header::ETAG].to_str().expect("text").to_owned();
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let two = format!("\"x\", W/{tag}");
        for known in [tag.as_str(), &two, "*"] {
            let (status, headers, body) = ask(Some("app.js"), Some(known));
            assert_eq!((status, body.as_str()), (304, ""), "{known}");
            assert_eq!(headers[header::ETAG].to_str().expect("text"), tag);
        }
        let (status, ..) = ask(Some("style.css"), Some(&tag));
        assert_eq!(status, 200, "another file");
    }

    #[test]
    fn there_is_no_other_file() {
        for file in ["index.html", "app.ts", "../Cargo.toml", ""] {
            let (status, headers, body) = ask(Some(file), None);
            assert_eq!(status, 404, "{file}");
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
            assert!(body.contains("no-such-file"), "{body}");
        }
    }
}
