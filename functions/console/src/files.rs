//! The files of the page, baked into the binary.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Each file of `page/` with its text.
        pub const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../page/", $name)))),*];
    };
}

files! {
    "index.html",
    "icon.svg",
    "style.css",
    "api.js",
    "app.js",
    "auth.js",
    "chart.js",
    "compare.js",
    "curl.js",
    "deliveries.js",
    "dialog.js",
    "dom.js",
    "event.js",
    "feed.js",
    "keys.js",
    "models.js",
    "moment.js",
    "money.js",
    "poll.js",
    "processing.js",
    "rebuilds.js",
    "router.js",
    "slider.js",
    "states.js",
    "stats.js",
    "stream.js",
    "streams.js",
    "time.js",
    "timeline.js",
    "value.js",
    "what-if.js",
}

/// The media type of a file, by the end of its name.
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        // OK because a browser that is told not to guess shows it, and runs nothing.
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn all_files_of_the_page_are_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        let there = fs::read_dir(folder).expect("page/");
        let there = there.map(|file| file.expect("a file").file_name());
        let there: BTreeSet<_> = there
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let served = FILES.iter().map(|(name, _)| (*name).to_owned());
        assert_eq!(served.collect::<BTreeSet<_>>(), there);
    }

    #[test]
    fn no_file_is_served_as_a_text_for_want_of_a_type() {
        for (name, _) in FILES {
            assert!(!content_type(name).starts_with("text/plain"), "{name}");
        }
    }

    /// What the policy forbids would be found by a person only, with the console open.
    #[test]
    fn nothing_is_inline_or_from_elsewhere() {
        for (name, text) in FILES {
            for never in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                " style=\"",
                " onclick=",
            ] {
                assert!(!text.contains(never), "{name} has {never}");
            }
            let elsewhere = text.lines().filter(|line| line.contains("://"));
            let elsewhere = elsewhere.filter(|line| !line.contains("http://www.w3.org/"));
            assert_eq!(elsewhere.count(), 0, "{name} names another place");
        }
    }
}
