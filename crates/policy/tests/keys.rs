//! RULES K: how far a key reaches, and who may make, change and end one, over every permission and every standing.

use policy::{
    Allowance, Because, Decision, Denial, Grant, KeyChange, KeyFacts, KeyScope, KeyState, OrganizationRole,
    OrganizationStanding, Permission, PrincipalStanding, ProjectRole, ProjectStanding, Refusal, Scope, Standing,
    check_key_change, check_key_creation, decide, decide_for_key,
};

const CHANGES: [KeyChange; 3] = [KeyChange::Expiration, KeyChange::Rotate, KeyChange::Revoke];

/// A key that works and has no successor.
fn fresh(reach: KeyScope) -> KeyFacts {
    KeyFacts {
        reach,
        state: KeyState::Active,
        is_rotated: false,
    }
}

const MEMBER: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Member);
const ADMIN: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Admin);
const PLACES: [Option<OrganizationStanding>; 4] = [None, Some(MEMBER), Some(ADMIN), Some(OrganizationStanding::Owner)];

/// What each reach may do, as INTERFACES names it; whatever is in neither list is denied to keys.
const USE: &str = "
    cluster:view cluster:use cluster:ssh
    volume:view volume:read volume:write
    model:view model:use model:create model:delete
    endpoint:view endpoint:use endpoint:create endpoint:delete
    evaluation:view evaluation:use evaluation:create evaluation:delete
    file:view file:use file:create file:delete";
const MANAGE_ALONE: &str = "
    cluster:create cluster:scale cluster:configure cluster:delete
    volume:create volume:resize volume:delete";

fn every_standing() -> Vec<Standing> {
    let roles = [ProjectRole::Member, ProjectRole::Admin];
    let held = roles
        .into_iter()
        .flat_map(|role| Because::ALL.map(|because| Some(ProjectStanding { role, because })));
    let projects: Vec<_> = std::iter::once(None).chain(held).collect();
    PLACES
        .into_iter()
        .flat_map(|organization| projects.iter().map(move |&project| Standing { organization, project }))
        .collect()
}

fn listed(names: &str, permission: Permission) -> bool {
    names.split_whitespace().any(|name| name == permission.name())
}

/// K9, K11: compared with the table in RULES R by hand; nothing is here that was computed from the code.
#[test]
fn k11_each_reach_may_do_what_is_listed_and_nothing_else() {
    for &permission in Permission::ALL {
        let (for_use, for_manage) = (listed(USE, permission), listed(MANAGE_ALONE, permission));
        let expected = |reach| match (reach, for_use, for_manage) {
            (_, true, false) | (KeyScope::Manage, false, true) => Decision::Allowed(Allowance::Key(reach)),
            (KeyScope::Use, false, true) => Decision::Denied(Denial::KeyScope),
            (_, false, false) => Decision::Denied(Denial::NotForKeys),
            (_, true, true) => panic!("{permission} is listed twice"),
        };
        for reach in KeyScope::ALL {
            assert_eq!(
                decide_for_key(reach, permission),
                expected(reach),
                "{permission} {reach:?}"
            );
        }
    }
    let known = |name: &str| name.parse::<Permission>().is_ok();
    assert!(USE.split_whitespace().chain(MANAGE_ALONE.split_whitespace()).all(known));
}

/// K9: people, roles, keys, settings, billing, usage and the audit are no business of any key.
#[test]
fn k9_whatever_is_not_about_a_resource_is_denied_to_every_key() {
    let mut denied = 0;
    for &permission in Permission::ALL {
        let things = ["cluster:", "volume:", "model:", "endpoint:", "evaluation:", "file:"];
        if things.iter().any(|thing| permission.name().starts_with(thing)) {
            assert_eq!(permission.scope(), Scope::Project, "{permission}");
            continue;
        }
        denied += 1;
        for reach in KeyScope::ALL {
            assert_eq!(
                decide_for_key(reach, permission),
                Decision::Denied(Denial::NotForKeys),
                "{permission}"
            );
            assert_eq!(
                PrincipalStanding::ApiKey(reach).require(permission),
                Err(Refusal::Forbidden(permission))
            );
        }
    }
    // Eleven of the organization, and eleven of the project.
    assert_eq!(denied, 22);
}

/// K11: `use` is what a Member of the project may do to resources, `manage` what an Admin may: neither more nor less.
#[test]
fn k11_a_reach_is_the_resource_rights_of_a_role() {
    for (reach, role) in [
        (KeyScope::Use, ProjectRole::Member),
        (KeyScope::Manage, ProjectRole::Admin),
    ] {
        for because in Because::ALL {
            let person = Standing {
                organization: None,
                project: Some(ProjectStanding { role, because }),
            };
            for &permission in Permission::ALL {
                if permission.resource_kind().is_some() {
                    let key = matches!(decide_for_key(reach, permission), Decision::Allowed(_));
                    assert_eq!(key, person.may(permission), "{permission} {reach:?}");
                }
            }
        }
    }
    for &permission in Permission::ALL {
        let may = |reach| matches!(decide_for_key(reach, permission), Decision::Allowed(_));
        assert!(may(KeyScope::Manage) || !may(KeyScope::Use), "{permission}");
        if permission.resource_kind().is_some() {
            assert!(may(KeyScope::Manage), "{permission}");
            assert_eq!(
                may(KeyScope::Use),
                permission.grant() == Grant::Everyone,
                "{permission}"
            );
        }
    }
}

/// R2, K9: a holder decides as the person or the key it is. Without access nothing is told; with it, what is missing.
#[test]
fn k9_a_holder_is_decided_as_the_person_or_the_key_it_is() {
    for &permission in Permission::ALL {
        for standing in every_standing() {
            let principal = PrincipalStanding::Person(standing);
            assert_eq!(principal.decide(permission), decide(&standing, permission));
            assert_eq!(principal.require(permission), standing.require(permission));
        }
        for reach in KeyScope::ALL {
            let principal = PrincipalStanding::ApiKey(reach);
            assert_eq!(principal.decide(permission), decide_for_key(reach, permission));
            let expected = match decide_for_key(reach, permission) {
                Decision::Allowed(_) => Ok(()),
                Decision::Denied(_) => Err(Refusal::Forbidden(permission)),
            };
            assert_eq!(
                principal.require(permission).map(drop),
                expected,
                "{permission} {reach:?}"
            );
        }
    }
}

/// K2, K11: either role makes, dates, rotates and revokes a key that uses; one that manages is made, dated and rotated
/// by project Admins, and revoked by either. Whoever has no role in the project learns nothing, whatever they are
/// elsewhere.
#[test]
fn k11_only_project_admins_make_or_prolong_keys_that_manage() {
    for standing in every_standing() {
        for reach in KeyScope::ALL {
            let may_make = match (standing.project.map(|place| place.role), reach) {
                (None, _) => Err(Refusal::Hidden),
                (Some(ProjectRole::Admin), _) | (Some(ProjectRole::Member), KeyScope::Use) => Ok(()),
                (Some(ProjectRole::Member), KeyScope::Manage) => Err(Refusal::ManageKeyForAdmins),
            };
            let may_end = standing.project.map(|_| ()).ok_or(Refusal::Hidden);
            assert_eq!(
                check_key_creation(&standing, reach).map(drop),
                may_make,
                "{standing:?} {reach:?}"
            );
            for change in CHANGES {
                let expected = match change {
                    KeyChange::Expiration | KeyChange::Rotate => may_make,
                    KeyChange::Revoke => may_end,
                };
                assert_eq!(
                    check_key_change(&standing, fresh(reach), change).map(drop),
                    expected,
                    "{standing:?} {reach:?} {change:?}"
                );
            }
        }
    }
}

/// K6, K7: whoever may change a key may not change one that is over, nor give it two successors; whoever may not learns
/// no more than that.
#[test]
fn k7_a_key_that_is_over_stays_as_it_is_and_has_one_successor() {
    for standing in every_standing() {
        for reach in KeyScope::ALL {
            for change in CHANGES {
                let may = check_key_change(&standing, fresh(reach), change).map(drop);
                for state in KeyState::ALL {
                    for is_rotated in [false, true] {
                        let expected = match (state, is_rotated, change) {
                            (KeyState::Expired | KeyState::Revoked, _, _) => Err(Refusal::KeyOver),
                            (KeyState::Active, true, KeyChange::Rotate) => Err(Refusal::KeyRotated),
                            (KeyState::Active, _, _) => Ok(()),
                        };
                        let key = KeyFacts {
                            reach,
                            state,
                            is_rotated,
                        };
                        let answer = check_key_change(&standing, key, change).map(drop);
                        assert_eq!(answer, may.and(expected), "{standing:?} {key:?} {change:?}");
                    }
                }
            }
        }
    }
}

/// K11: nobody gets more through a key they may make, or may make last, than they may do themselves.
#[test]
fn k11_no_key_that_somebody_may_make_exceeds_them() {
    for standing in every_standing() {
        for reach in KeyScope::ALL {
            for may in [
                check_key_creation(&standing, reach),
                check_key_change(&standing, fresh(reach), KeyChange::Expiration),
                check_key_change(&standing, fresh(reach), KeyChange::Rotate),
            ] {
                if may.is_err() {
                    continue;
                }
                for &permission in Permission::ALL {
                    if PrincipalStanding::ApiKey(reach).require(permission).is_ok() {
                        assert_eq!(
                            standing.require(permission).map(drop),
                            Ok(()),
                            "{standing:?} {reach:?} {permission}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn k11_reaches_and_states_are_read_back_from_their_codes() {
    for reach in KeyScope::ALL {
        assert_eq!(reach.code().parse(), Ok(reach));
        assert_eq!(serde_json::to_string(&reach).unwrap(), format!("{:?}", reach.code()));
    }
    for state in KeyState::ALL {
        assert_eq!(state.code().parse(), Ok(state));
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("{:?}", state.code()));
    }
    assert_eq!(KeyScope::default(), KeyScope::Use);
    assert!(KeyScope::Manage.is_manage() && !KeyScope::Use.is_manage());
    for text in ["", "Use", "admin", "manage "] {
        assert!(text.parse::<KeyScope>().is_err(), "{text}");
    }
    for text in ["", "Active", "rotated"] {
        assert!(text.parse::<KeyState>().is_err(), "{text}");
    }
}
