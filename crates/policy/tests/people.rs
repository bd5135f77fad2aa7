//! W1, W2, C4 to C8, D3, M6, M8: what may be done to whom, over every standing there is and every one there is not.

use policy::{
    Because, CollaboratorChange, MemberChange, OrganizationRole, OrganizationStanding, Permission, Permit, ProjectRole,
    ProjectStanding, Refusal, Standing, Target, check_collaborator_change, check_end_date, check_member_change,
    check_transfer,
};

const CHANGES: [CollaboratorChange; 3] = [
    CollaboratorChange::Role,
    CollaboratorChange::Remove,
    CollaboratorChange::EndDate,
];

const MEMBER: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Member);
const ADMIN: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Admin);
const MEMBER_CHANGES: [MemberChange; 2] = [MemberChange::Role, MemberChange::Remove];
const PLACES: [Option<OrganizationStanding>; 4] = [None, Some(MEMBER), Some(ADMIN), Some(OrganizationStanding::Owner)];

const fn at(organization: Option<OrganizationStanding>, role: ProjectRole, because: Because) -> Standing {
    Standing {
        organization,
        project: Some(ProjectStanding { role, because }),
    }
}

/// The standings that the directory gives out, by name.
const KNOWN: [(&str, Standing); 10] = [
    (
        "stranger",
        Standing {
            organization: None,
            project: None,
        },
    ),
    (
        "member, not added",
        Standing {
            organization: Some(MEMBER),
            project: None,
        },
    ),
    ("member, added", at(Some(MEMBER), ProjectRole::Member, Because::Added)),
    (
        "member, project Admin",
        at(Some(MEMBER), ProjectRole::Admin, Because::Added),
    ),
    (
        "member, default",
        at(Some(MEMBER), ProjectRole::Member, Because::OrganizationMember),
    ),
    (
        "member, default Admin",
        at(Some(MEMBER), ProjectRole::Admin, Because::OrganizationMember),
    ),
    ("external", at(None, ProjectRole::Member, Because::External)),
    ("external Admin", at(None, ProjectRole::Admin, Because::External)),
    (
        "organization Admin",
        at(Some(ADMIN), ProjectRole::Admin, Because::OrganizationAdmin),
    ),
    (
        "Owner",
        at(
            Some(OrganizationStanding::Owner),
            ProjectRole::Admin,
            Because::OrganizationAdmin,
        ),
    ),
];

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

fn verdict(result: Result<Permit, Refusal>) -> String {
    match result {
        Ok(_) => "yes".to_owned(),
        Err(Refusal::Forbidden(permission)) => format!("forbidden {permission}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn line(table: &mut String, cells: &[String]) {
    for cell in cells {
        table.push_str(&format!("{cell:<40}"));
    }
    let kept = table.trim_end().len();
    table.truncate(kept);
    table.push('\n');
}

fn heads(first: &str) -> Vec<String> {
    [first, "role", "remove", "end date"].map(str::to_owned).to_vec()
}

/// W1, C4, C5, C6, C8, D3: what an Admin of the project may do to somebody else.
#[test]
fn what_an_admin_may_do_to_each_person() {
    let admin = KNOWN[3].1;
    let mut table = String::new();
    for in_default_project in [false, true] {
        line(
            &mut table,
            &heads(if in_default_project {
                "IN THE DEFAULT PROJECT"
            } else {
                "IN ANOTHER PROJECT"
            }),
        );
        for (name, standing) in KNOWN {
            let mut cells = vec![name.to_owned()];
            cells.extend(CHANGES.map(|change| {
                let target = Target {
                    standing,
                    in_default_project,
                    is_self: false,
                };
                verdict(check_collaborator_change(&admin, &target, change))
            }));
            line(&mut table, &cells);
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

/// R2, P3: what each may do to a person who was added as a Member.
#[test]
fn what_each_may_do_to_a_plain_collaborator() {
    let mut table = String::new();
    line(&mut table, &heads("WHO"));
    for (name, actor) in KNOWN {
        let target = Target {
            standing: KNOWN[2].1,
            in_default_project: false,
            is_self: false,
        };
        let mut cells = vec![name.to_owned()];
        cells.extend(CHANGES.map(|change| verdict(check_collaborator_change(&actor, &target, change))));
        line(&mut table, &cells);
    }
    insta::assert_snapshot!(table);
}

/// C7, W1, D3: what each may do to themselves.
#[test]
fn what_each_may_do_to_themselves() {
    let mut table = String::new();
    for in_default_project in [false, true] {
        line(
            &mut table,
            &heads(if in_default_project {
                "IN THE DEFAULT PROJECT"
            } else {
                "IN ANOTHER PROJECT"
            }),
        );
        for (name, standing) in KNOWN {
            let target = Target {
                standing,
                in_default_project,
                is_self: true,
            };
            let mut cells = vec![name.to_owned()];
            cells.extend(CHANGES.map(|change| verdict(check_collaborator_change(&standing, &target, change))));
            line(&mut table, &cells);
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

/// The same, told as the rules tell it, for each of the 36 × 36 pairs of standings, impossible ones included.
#[test]
fn no_pair_of_standings_gets_around_the_rules_about_people() {
    for actor in every_standing() {
        for standing in every_standing() {
            for (change, in_default_project, is_self) in CHANGES.into_iter().flat_map(|change| {
                [(false, false), (false, true), (true, false), (true, true)].map(|(d, s)| (change, d, s))
            }) {
                let target = Target {
                    standing,
                    in_default_project,
                    is_self,
                };
                let outcome = check_collaborator_change(&actor, &target, change).map(drop);
                let told = format!("{actor:?} {target:?} {change:?}");
                let leaves = change == CollaboratorChange::Remove && is_self;
                let permission = match change {
                    CollaboratorChange::Remove => Permission::CollaboratorRemove,
                    CollaboratorChange::Role | CollaboratorChange::EndDate => Permission::CollaboratorUpdateRole,
                };
                let is_automatic = standing.project.is_some_and(|place| {
                    matches!(place.because, Because::OrganizationAdmin | Because::OrganizationMember)
                });
                let expected = if actor.project.is_none() {
                    Err(Refusal::Hidden) // P3
                } else if !leaves && !actor.may(permission) {
                    Err(Refusal::Forbidden(permission)) // R2
                } else if standing.project.is_none() {
                    Err(Refusal::NotACollaborator)
                } else if standing.organization == Some(OrganizationStanding::Owner) {
                    Err(Refusal::OwnerProtected) // W1
                } else if standing.organization == Some(ADMIN) {
                    Err(Refusal::OrganizationAdminProtected) // C4
                } else if change == CollaboratorChange::Remove && in_default_project {
                    Err(Refusal::DefaultProjectForAll) // D3
                } else if change == CollaboratorChange::EndDate && is_automatic {
                    Err(Refusal::NoEndDate) // C8
                } else {
                    Ok(())
                };
                assert_eq!(outcome, expected, "{told}");
            }
        }
    }
}

/// A standing in the organization alone.
const fn in_organization(organization: Option<OrganizationStanding>) -> Standing {
    Standing {
        organization,
        project: None,
    }
}

const fn called(place: Option<OrganizationStanding>) -> &'static str {
    match place {
        None => "nobody",
        Some(OrganizationStanding::Owner) => "Owner",
        Some(OrganizationStanding::Member(OrganizationRole::Admin)) => "Admin",
        Some(OrganizationStanding::Member(OrganizationRole::Member)) => "Member",
    }
}

/// M6, M8, W1: every actor, every target, oneself or another.
#[test]
fn what_each_may_do_to_members() {
    let mut table = String::new();
    line(&mut table, &["WHO, TO WHOM", "role", "remove"].map(str::to_owned));
    for actor in PLACES {
        let standing = in_organization(actor);
        let others = PLACES.map(|target| (target, false, called(target)));
        for (target, is_self, whom) in others.into_iter().chain([(actor, true, "themselves")]) {
            let mut cells = vec![format!("{} to {whom}", called(actor))];
            cells.extend(MEMBER_CHANGES.map(|change| verdict(check_member_change(&standing, target, is_self, change))));
            line(&mut table, &cells);
        }
    }
    insta::assert_snapshot!(table);
}

/// The same, told as the rules tell it: access, then the permission, then whether there is such a member, then the
/// Owner.
#[test]
fn no_pair_of_standings_gets_around_the_rules_about_members() {
    for (actor, target) in PLACES
        .into_iter()
        .flat_map(|actor| PLACES.map(|target| (actor, target)))
    {
        for (change, is_self) in MEMBER_CHANGES
            .into_iter()
            .flat_map(|change| [(change, false), (change, true)])
        {
            let permission = match change {
                MemberChange::Role => Permission::MemberUpdateRole,
                MemberChange::Remove => Permission::MemberRemove,
            };
            let leaves = is_self && change == MemberChange::Remove;
            let is_admin = actor.is_some_and(OrganizationStanding::is_admin);
            let expected = if actor.is_none() {
                Err(Refusal::Hidden) // P3, X3
            } else if !is_admin && !leaves {
                Err(Refusal::Forbidden(permission)) // M6, M8
            } else if target.is_none() {
                Err(Refusal::NotAMember)
            } else if target == Some(OrganizationStanding::Owner) {
                Err(Refusal::OwnerProtected) // W1
            } else {
                Ok(())
            };
            assert_eq!(
                check_member_change(&in_organization(actor), target, is_self, change).map(drop),
                expected,
                "{actor:?} {target:?} {change:?} {is_self}"
            );
        }
    }
}

/// W2: the Owner alone, to another Admin alone; over every standing of the actor and every place of the target.
#[test]
fn ownership_goes_from_the_owner_to_another_admin_and_in_no_other_way() {
    let mut ways = Vec::new();
    for actor in every_standing() {
        for target in PLACES {
            let expected = match (actor.organization, target) {
                (None, _) => Err(Refusal::Hidden), // P3, X3
                (Some(OrganizationStanding::Member(_)), _) => Err(Refusal::OwnerOnly),
                (Some(OrganizationStanding::Owner), None) => Err(Refusal::NotAMember),
                (Some(OrganizationStanding::Owner), Some(ADMIN)) => Ok(()),
                (Some(OrganizationStanding::Owner), Some(_)) => Err(Refusal::NotAnAdmin),
            };
            let outcome = check_transfer(&actor, target).map(drop);
            assert_eq!(outcome, expected, "{actor:?} {target:?}");
            if outcome.is_ok() {
                ways.push((actor.organization, target));
            }
        }
    }
    ways.dedup();
    assert_eq!(ways, [(Some(OrganizationStanding::Owner), Some(ADMIN))]);
}

/// X3: a role in a project is no place in the organization.
#[test]
fn a_project_role_changes_no_member() {
    for actor in every_standing() {
        let bare = in_organization(actor.organization);
        for target in PLACES {
            for (change, is_self) in MEMBER_CHANGES
                .into_iter()
                .flat_map(|change| [(change, false), (change, true)])
            {
                assert_eq!(
                    check_member_change(&actor, target, is_self, change),
                    check_member_change(&bare, target, is_self, change)
                );
            }
            assert_eq!(check_transfer(&actor, target), check_transfer(&bare, target));
        }
    }
}

/// C8: nobody extends their own access; what is no extension, and what is somebody else's, is free.
#[test]
fn only_ones_own_end_date_cannot_move_outward() {
    let dates = [None, Some(1), Some(2), Some(3)];
    for before in dates {
        for after in dates {
            assert_eq!(check_end_date(false, before, after), Ok(()));
            // No date is later than every date.
            let extends = after.unwrap_or(i32::MAX) > before.unwrap_or(i32::MAX);
            let expected = if extends { Err(Refusal::OwnEndDate) } else { Ok(()) };
            assert_eq!(check_end_date(true, before, after), expected, "{before:?} to {after:?}");
        }
    }
}
