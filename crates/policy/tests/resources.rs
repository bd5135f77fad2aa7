//! The kinds of resources and of usage, as data: nothing of one kind fits another.

use std::collections::{BTreeMap, BTreeSet};

use policy::{
    Booking, Details, FieldInput, FieldValue, Refusal, ResourceField, ResourceKind, ResourceState, UsageKind,
    UsageRange, UsageUnit, book,
};

#[cfg(test)]
fn some(kind: ResourceKind) -> Details {
    Details::read(kind, |field| match field.input() {
        FieldInput::Text { .. } => field.read("something"),
        FieldInput::Whole { least, .. } => field.read(&least.to_string()),
        FieldInput::Choice(choices) => field.read(choices[0].0),
    })
    .unwrap()
}

/// E1: six kinds, each with a code, a path, states and fields of its own.
#[test]
fn e1_every_kind_is_told_from_every_other() {
    let codes: BTreeSet<_> = ResourceKind::ALL.iter().map(|kind| kind.code()).collect();
    let paths: BTreeSet<_> = ResourceKind::ALL.iter().map(|kind| kind.path()).collect();
    assert_eq!((codes.len(), paths.len()), (6, 6));
    for kind in ResourceKind::ALL {
        assert_eq!(kind.code().parse(), Ok(kind));
        assert_eq!(ResourceKind::from_path(kind.path()), Ok(kind));
        assert_eq!(kind.state(None), Ok(kind.states()[0]));
        for state in ResourceState::ALL {
            let expected = kind
                .states()
                .contains(&state)
                .then_some(state)
                .ok_or(Refusal::StateInvalid);
            assert_eq!(kind.state(Some(state)), expected);
        }
        assert_eq!(some(kind).iter().count(), kind.fields().len());
    }
}

/// E1, N3: the first field that is wrong is named; a number stays in its range, a choice in its list.
#[test]
fn e1_a_field_takes_what_fits_it_alone() {
    for field in ResourceField::ALL {
        let invalid = Err(Refusal::DetailInvalid(*field));
        match field.input() {
            FieldInput::Text { is_optional } => {
                assert_eq!(field.read(" "), if is_optional { Ok(None) } else { invalid.clone() });
                assert_eq!(field.read(" a "), Ok(Some(FieldValue::Text("a".to_owned()))));
                assert_eq!(field.read("a\nb"), invalid);
                assert_eq!(field.read(&"x".repeat(101)), invalid);
                assert_eq!(field.check(Some(FieldValue::Whole(1))), invalid);
            }
            FieldInput::Whole { least, most, .. } => {
                for good in [least, most] {
                    assert_eq!(field.read(&good.to_string()), Ok(Some(FieldValue::Whole(good))));
                }
                for bad in ["", "x", "-1", "1.5", "18446744073709551616", &(most + 1).to_string()] {
                    assert_eq!(field.read(bad), invalid, "{bad}");
                }
                assert_eq!(field.check(Some(FieldValue::Text(least.to_string()))), invalid);
            }
            FieldInput::Choice(choices) => {
                for (code, _) in choices {
                    assert_eq!(field.read(code), Ok(Some(FieldValue::Text((*code).to_owned()))));
                }
                for bad in ["", "x", choices[0].1] {
                    assert_eq!(field.read(bad), invalid, "{bad}");
                }
            }
        }
    }
}

/// R: another size is told from another anything else; what is left out of a change stays.
#[test]
fn r1_a_change_says_whether_it_scales() {
    for kind in ResourceKind::ALL {
        let before = some(kind);
        assert_eq!(before.with(kind, &BTreeMap::new()), Ok(before.clone()));
        assert_eq!(before.differences(&before), (false, false));
        for field in ResourceField::ALL {
            let other = match field.input() {
                FieldInput::Text { .. } => FieldValue::Text("else".to_owned()),
                FieldInput::Whole { most, .. } => FieldValue::Whole(most),
                FieldInput::Choice(choices) => FieldValue::Text(choices[1].0.to_owned()),
            };
            let after = before.with(kind, &BTreeMap::from([(*field, Some(other.clone()))]));
            if kind.fields().contains(field) {
                let after = after.unwrap();
                assert_eq!(after.get(*field), Some(&other));
                assert_eq!(before.differences(&after), (field.is_size(), !field.is_size()));
            } else {
                assert_eq!(after, Err(Refusal::DetailInvalid(*field)));
            }
        }
    }
}

/// D5: playground usage, what names no project, and what was there before the project.
#[test]
fn d5_usage_is_booked_to_the_project_it_names_or_the_default_one() {
    for kind in UsageKind::ALL {
        let expected = if *kind == UsageKind::Playground {
            Booking::DefaultProject
        } else {
            Booking::Project
        };
        assert_eq!(book(*kind, true, false), expected);
        for (names_project, before_project) in [(false, false), (false, true), (true, true)] {
            assert_eq!(book(*kind, names_project, before_project), Booking::DefaultProject);
        }
        assert_eq!(kind.code().parse(), Ok(*kind));
    }
    for unit in UsageUnit::ALL {
        assert_eq!(unit.code().parse(), Ok(*unit));
    }
    for range in UsageRange::ALL {
        assert_eq!(range.days().to_string().parse(), Ok(range));
    }
    assert!("31".parse::<UsageRange>().is_err());
}
