//! C1, C4, D2, X2: of several reasons to have access to a project, which one counts.

use policy::{Because, ProjectRole, ProjectStanding, Reason, UnknownReason};
use proptest::{collection::vec, prelude::*, sample::select};

const fn reason(because: Because, role: ProjectRole) -> Reason {
    Reason { because, role }
}

/// Those that the directory answers, the one that counts most first.
const RANKED: [Reason; 7] = [
    reason(Because::OrganizationAdmin, ProjectRole::Admin),
    reason(Because::Added, ProjectRole::Admin),
    reason(Because::External, ProjectRole::Admin),
    reason(Because::OrganizationMember, ProjectRole::Admin),
    reason(Because::Added, ProjectRole::Member),
    reason(Because::External, ProjectRole::Member),
    reason(Because::OrganizationMember, ProjectRole::Member),
];

/// Each that can be written, those that the directory never answers included.
fn every_reason() -> Vec<Reason> {
    let of = |because| ProjectRole::ALL.map(|role| reason(because, role));
    Because::ALL.into_iter().flat_map(of).collect()
}

fn reasons() -> impl Strategy<Value = Vec<Reason>> {
    vec(select(every_reason()), 0..6)
}

/// C1, C4, D2, X2: being an Admin of the organization counts before being added as an Admin, that before being added as
/// a Member, and that before being in the Default Project as everybody is.
#[test]
fn reasons_are_ranked_as_the_rules_say() {
    let mut shuffled = RANKED;
    shuffled.reverse();
    shuffled.swap(0, 3);
    shuffled.sort_by(|a, b| b.cmp(a));
    assert_eq!(shuffled, RANKED);
}

/// C4: an organization Admin who was added to the project as a Member is an Admin, for the reason that makes them one.
#[test]
fn the_highest_reason_counts() {
    let standing = |reasons: &[Reason]| Reason::standing(reasons);
    assert_eq!(standing(&[]), None);
    assert_eq!(
        standing(&[RANKED[4], RANKED[0]]),
        Some(ProjectStanding {
            role: ProjectRole::Admin,
            because: Because::OrganizationAdmin
        })
    );
    assert_eq!(
        standing(&[RANKED[6], RANKED[3]]),
        Some(ProjectStanding {
            role: ProjectRole::Admin,
            because: Because::OrganizationMember
        })
    );
}

/// C1: what the directory writes is read back; anything else is no reason.
#[test]
fn reasons_are_read_as_they_are_written() {
    for Reason { because, role } in every_reason() {
        let text = format!("{}:{}", because.code(), role.code());
        assert_eq!(text.parse(), Ok(Reason { because, role }), "{text}");
    }
    for text in [
        "",
        ":",
        "added",
        "added:",
        ":member",
        "added:owner",
        "group:member",
        "Added:member",
        "added:member ",
        "added:member:admin",
    ] {
        assert_eq!(text.parse::<Reason>(), Err(UnknownReason), "{text}");
    }
}

proptest! {
    /// C1, C4: what counts is one of the reasons, with the highest role of all of them, whatever their order.
    #[test]
    fn what_counts_has_the_highest_role_of_all_reasons(reasons in reasons(), turned in 0..6_usize) {
        let standing = Reason::standing(&reasons);
        prop_assert_eq!(standing.is_some(), !reasons.is_empty());
        if let Some(ProjectStanding { role, because }) = standing {
            prop_assert!(reasons.contains(&reason(because, role)));
            prop_assert!(!reasons.iter().any(|other| other.role.is_lowered_to(role)));
        }
        let mut others = reasons.clone();
        let turned = turned.min(others.len());
        others.rotate_left(turned);
        prop_assert_eq!(Reason::standing(&others), standing);
    }

    /// One more reason never takes a role away.
    #[test]
    fn another_reason_lowers_nobody(reasons in reasons(), more in select(every_reason())) {
        let before = Reason::standing(&reasons);
        let after = Reason::standing(&[reasons, vec![more]].concat());
        let (before, after) = (before.map(|place| place.role), after.map(|place| place.role));
        prop_assert!(after.is_some());
        prop_assert!(!before.zip(after).is_some_and(|(before, after)| before.is_lowered_to(after)));
    }

    /// The order is total: any two different reasons have one that counts, and no three go round in a circle.
    #[test]
    fn the_order_of_reasons_is_total(
        a in select(every_reason()),
        b in select(every_reason()),
        c in select(every_reason()),
    ) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        prop_assert!(!(a <= b && b <= c) || a <= c);
    }
}
