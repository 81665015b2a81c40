use super::*;
use crate::heads::tests::{chain, commit, head_of};

fn verify(commits: &[Commit], head: Option<Head>) -> Vec<(u64, What)> {
    let mut verifier = Verifier::new("user-1", head);
    commits.iter().for_each(|commit| verifier.commit(commit));
    let findings = verifier.finish();
    findings
        .into_iter()
        .map(|finding| (finding.version, finding.what))
        .collect()
}

/// Five commits, at the versions 1, 2, 5, 7 and 8, with the head on the last.
fn five() -> (Vec<Commit>, Option<Head>) {
    let commits = chain(&[1, 3, 2, 1, 1]);
    let head = head_of(&commits[4]);
    (commits, Some(head))
}

#[test]
fn a_stream_that_nobody_touched_has_no_findings() {
    let (commits, head) = five();
    assert_eq!(verify(&commits, head), []);
    assert_eq!(verify(&commits, Some(head_of(&commits[2]))), []);
    assert_eq!(verify(&commits, None), []);
    assert_eq!(verify(&[], None), []);
}

#[test]
fn an_edited_commit_is_named_alone() {
    for at in 0..5 {
        let (mut commits, head) = five();
        commits[at].metadata = commits[at].metadata.replace("tests", "nobody");
        let version = commits[at].version;
        assert_eq!(verify(&commits, head), [(version, What::Edited)]);
    }
}

#[test]
fn an_edited_commit_of_other_length_is_named_alone() {
    for at in 0..5 {
        for from in 0..5 {
            let (mut commits, head) = five();
            commits[at].events = commits[from].events.clone();
            let version = commits[at].version;
            let expected = [(version, What::Edited)];
            assert_eq!(
                &verify(&commits, head)[..],
                &expected[usize::from(at == from)..]
            );
        }
    }
}

#[test]
fn an_edited_chain_is_named() {
    let (mut commits, head) = five();
    commits[4].chain.hash = commits[1].chain.hash;
    assert_eq!(verify(&commits, head.clone()), [(8, What::Edited)]);
    let (mut commits, head) = five();
    commits[2].chain.previous = commits[4].chain.hash;
    assert_eq!(verify(&commits, head), [(5, What::Edited)]);
}

#[test]
fn a_removed_commit_leaves_a_gap() {
    let (mut commits, head) = five();
    commits.remove(1);
    assert_eq!(
        verify(&commits, head.clone()),
        [(2, What::Removed { to: 4 })]
    );
    commits.remove(0);
    assert_eq!(verify(&commits, head), [(1, What::Removed { to: 4 })]);
}

#[test]
fn commits_that_changed_places_are_both_edited() {
    let (mut commits, head) = five();
    let (one, other) = (commits[3].clone(), commits[4].clone());
    commits[3] = Commit {
        version: 7,
        ..other
    };
    commits[4] = Commit { version: 8, ..one };
    let edited = [(7, What::Edited), (8, What::Edited)];
    assert_eq!(verify(&commits, head), edited);
}

#[test]
fn commits_that_were_copied_to_another_stream_are_edited() {
    let (mut commits, _) = five();
    for commit in &mut commits {
        commit.stream = "user-2".to_owned();
    }
    let edited = [1, 2, 5, 7, 8].map(|version| (version, What::Edited));
    assert_eq!(verify(&commits, None), edited);
}

#[test]
fn a_replaced_commit_does_not_carry_the_next() {
    let (mut commits, head) = five();
    commits[2] = commit(5, 2, commits[1].chain.hash);
    assert_eq!(verify(&commits, head), [(7, What::DoesNotFollow)]);
}

#[test]
fn a_commit_inside_another_is_named_alone() {
    let (mut commits, head) = five();
    commits.insert(2, commit(3, 1, commits[1].chain.hash));
    assert_eq!(verify(&commits, head), [(3, What::Inserted)]);
}

#[test]
fn an_end_that_was_cut_off_is_missed_by_its_head_alone() {
    let (commits, head) = five();
    for left in 0..5 {
        let version = commits[left].version;
        let expected = [(version, What::CutOff { head: 8 })];
        assert_eq!(verify(&commits[..left], head.clone()), expected);
        assert_eq!(verify(&commits[..left], None), []);
    }
}

#[test]
fn a_recomputed_chain_misses_its_head() {
    let (commits, head) = five();
    let mut recomputed = commits.clone();
    for at in 2..5 {
        recomputed[at].chain.previous = recomputed[at - 1].chain.hash;
        recomputed[at].metadata = recomputed[at].metadata.replace("tests", "nobody");
        recomputed[at].chain.hash = recomputed[at].hash();
    }
    assert_eq!(verify(&recomputed, head.clone()), [(8, What::Recomputed)]);
    // So does one with other ends, and one that went on since.
    recomputed[3] = commit(7, 4, recomputed[2].chain.hash);
    assert_eq!(verify(&recomputed[..4], head), [(8, What::Recomputed)]);
    let before = Some(head_of(&commits[2]));
    assert_eq!(verify(&recomputed[..4], before), [(6, What::Recomputed)]);
}

#[test]
fn a_snapshot_may_be_deleted_and_not_be_edited() {
    let (mut commits, _) = five();
    let mut taken = commits[4].clone();
    taken.digest = Some(Hash::of(&[b"strangelog snapshot 1", b"{}"]));
    taken.chain.hash = taken.hash();
    let head = Some(head_of(&taken));
    for (snapshot, findings) in [
        (Some("{}"), vec![]),
        (None, vec![]),
        (Some("{ }"), vec![(8, What::SnapshotEdited)]),
    ] {
        taken.snapshot = snapshot.map(str::to_owned);
        commits[4] = taken.clone();
        assert_eq!(verify(&commits, head.clone()), findings);
    }
}

#[test]
fn what_cannot_be_read_is_named_alone() {
    let (commits, head) = five();
    for at in 0..5 {
        let mut verifier = Verifier::new("user-1", head.clone());
        for (index, commit) in commits.iter().enumerate() {
            if index == at {
                verifier.unreadable(commit.version, "no commit");
            } else {
                verifier.commit(commit);
            }
        }
        let findings = verifier.finish();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].version, commits[at].version);
    }
}

#[test]
fn an_item_where_no_commit_can_lie_hides_nothing() {
    let (commits, head) = five();
    for at in 0..4 {
        let mut verifier = Verifier::new("user-1", head.clone());
        for (index, commit) in commits[..4].iter().enumerate() {
            if index == at {
                verifier.unreadable(0, "no commit has such a version");
            }
            verifier.commit(commit);
        }
        let found = verifier.finish().into_iter().map(|finding| finding.what);
        let found: Vec<_> = found.collect();
        let expected = matches!(
            &found[..],
            [What::Unreadable { .. }, What::CutOff { head: 8 }]
        );
        assert!(expected, "{found:?}");
    }
}

#[test]
fn a_finding_says_where_and_what_in_text_and_in_json() {
    let (mut commits, head) = five();
    commits.remove(1);
    let mut verifier = Verifier::new("user-1", head);
    commits.iter().for_each(|commit| verifier.commit(commit));
    let [finding] = &verifier.finish()[..] else {
        panic!("one finding");
    };
    assert_eq!(
        finding.to_string(),
        "user-1 at version 2: removed: nothing is left up to version 4"
    );
    assert_eq!(
        serde_json::to_string(finding).expect("JSON"),
        r#"{"stream":"user-1","version":2,"what":"removed","to":4}"#
    );
}

#[test]
fn a_missing_part_names_one_that_is_there() {
    let finding = Finding {
        stream: "account-1".into(),
        version: 3,
        what: What::MissingPart {
            of: Position {
                stream: "transfer-1".into(),
                version: 1,
            },
        },
    };
    assert_eq!(
        finding.to_string(),
        "account-1 at version 3: missing part: what was written together with transfer-1 at version 1 is not here"
    );
    assert_eq!(
        serde_json::to_string(&finding).expect("JSON"),
        r#"{"stream":"account-1","version":3,"what":"missing-part","of":{"stream":"transfer-1","version":1}}"#
    );
}
