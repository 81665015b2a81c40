//! What `--help` says: its examples can be typed, and nothing is left out.

use clap::{CommandFactory, Parser};
use ops::Options;

/// The words of a command line, up to where the shell would go on without it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for character in line.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            '|' | '>' | '&' if !quoted => break,
            '#' if !quoted && word.is_none() => break,
            other => word.get_or_insert_default().push(other),
        }
    }
    assert!(!quoted, "{line}");
    words.extend(word);
    words
}

#[test]
fn every_example_of_the_help_can_be_typed() {
    let command = Options::command();
    let mut seen = 0;
    for one in command.get_subcommands() {
        let help = one.clone().render_long_help().to_string();
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        let examples = examples.lines().take_while(|line| line.starts_with("  "));
        let before = seen;
        for example in examples {
            // Each command of a pipe, and what stands in front of it for the environment aside.
            for part in example.split(['|', '&']) {
                let Some(at) = part.find("strangelog ") else {
                    continue;
                };
                let words = words(&part[at..]);
                if words.first().map(String::as_str) != Some("strangelog") {
                    continue;
                }
                let parsed = Options::try_parse_from(&words);
                assert!(
                    parsed.is_ok(),
                    "{example}: {}",
                    parsed.expect_err("it does not parse")
                );
                seen += 1;
            }
        }
        assert!(seen > before, "{} has no example", one.get_name());
    }
}

#[test]
fn every_command_tells_what_it_is_for_and_what_it_ends_with() {
    let mut command = Options::command();
    command.build();
    let help = command.render_long_help().to_string();
    for code in [
        "0    it is done",
        "1    something was found",
        "2    wrong use",
        "3    it could",
        "4    a rule",
        "5    there is no",
        "130  Ctrl-C",
    ] {
        assert!(help.contains(code), "{help}");
    }
    for one in command.get_subcommands() {
        assert!(one.get_about().is_some(), "{}", one.get_name());
    }
}
