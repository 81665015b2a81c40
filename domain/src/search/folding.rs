//! Texts as they are compared in a search: without accents, in small letters, each character in its plainest form.

use unicode_normalization::UnicodeNormalization;

/// A text as it is searched and searched for, in any script. Accents and letter case go, as do vowel points that Hebrew and
/// Arabic are mostly written without; marks that make another letter stay, such as Indic vowel signs and the voicing of kana.
#[must_use]
pub fn fold(text: &str) -> String {
    // OK because the case of some letters has an accent of its own, which goes in the second round.
    let text = plain(&plain(text));
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").nfkc().collect()
}

fn plain(text: &str) -> String {
    let bare = text.nfkd().filter(|c| !is_left_out(*c));
    // OK because the way over capitals makes one letter of all that share one: ß is ss, and every sigma the same.
    let small = bare
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in small {
        match stroked(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    folded
}

/// Letters whose stroke is no mark of its own, as those write them who do not have them on their keyboard.
fn stroked(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

fn is_left_out(c: char) -> bool {
    let accent = matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}');
    let hebrew_point = matches!(
        c,
        '\u{591}'
            ..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}' | '\u{5C4}' | '\u{5C5}' | '\u{5C7}'
    );
    let arabic_mark = matches!(c, '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}'
        | '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E4}' | '\u{6E7}' | '\u{6E8}' | '\u{6EA}'..='\u{6ED}');
    let unseen = matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}');
    accent || hebrew_point || arabic_mark || unseen
}

#[cfg(test)]
mod tests {
    use super::fold;
    use proptest::prelude::*;

    #[test]
    fn case_and_accents_make_no_difference() {
        for (text, folded) in [
            ("  Sarah  O’Neill ", "sarah o’neill"),
            ("Renée Zoë ÅNGSTRÖM", "renee zoe angstrom"),
            ("Rene\u{301}e", "renee"),
            ("Søren Łukasz Đorđe", "soren lukasz dorde"),
            ("Straße STRASSE", "strasse strasse"),
            ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
            ("Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ οδυσσευσ"),
            ("Алёна", "алена"),
            ("ﬁne Ｆｕｌｌ\u{a0}①", "fine full 1"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn points_and_harakat_make_no_difference_and_letters_stay() {
        for (text, folded) in [
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("علی\u{200c}رضا", "علیرضا"),
            ("葛\u{e0100}城", "葛城"),
            ("नेहा", "नेहा"),
            ("ガ が", "ガ が"),
            ("ｶﾞ", "ガ"),
            ("한글", "한글"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn every_way_to_write_a_letter_is_one(c in any::<char>()) {
            let text: String = [c].iter().collect();
            prop_assert_eq!(fold(&text.to_uppercase().to_lowercase()), fold(&text));
        }
    }
}
