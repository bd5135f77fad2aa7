//! RULES R: the table of permissions, whole.

use policy::{
    Because, Decision, Denial, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding,
    Refusal, Scope, Standing, decide,
};

const PLACES: [Option<OrganizationStanding>; 4] = [
    None,
    Some(OrganizationStanding::Member(OrganizationRole::Member)),
    Some(OrganizationStanding::Member(OrganizationRole::Admin)),
    Some(OrganizationStanding::Owner),
];

fn project_places() -> Vec<Option<ProjectStanding>> {
    let roles = [ProjectRole::Member, ProjectRole::Admin];
    let held = roles
        .into_iter()
        .flat_map(|role| Because::ALL.map(|because| Some(ProjectStanding { role, because })));
    std::iter::once(None).chain(held).collect()
}

const fn verdict(standing: &Standing, permission: Permission) -> &'static str {
    match decide(standing, permission) {
        Decision::Allowed(_) => "yes",
        Decision::Denied(Denial::Role | Denial::KeyScope | Denial::NotForKeys) => "no",
        Decision::Denied(Denial::Hidden) => "hidden",
    }
}

fn row(table: &mut String, name: &str, cells: impl IntoIterator<Item = String>) {
    table.push_str(&format!("{name:<26}"));
    for cell in cells {
        table.push_str(&format!(" {cell:<9}"));
    }
    let kept = table.trim_end().len();
    table.truncate(kept);
    table.push('\n');
}

/// R1. Compared by eye with the table in RULES R whenever it changes.
#[test]
fn every_permission_is_decided_as_the_rules_say() {
    let mut table = String::new();
    let heads = ["nobody", "Member", "Admin", "Owner"];
    row(&mut table, "organization", heads.map(str::to_owned));
    for permission in Permission::ALL
        .iter()
        .copied()
        .filter(|permission| permission.scope() == Scope::Organization)
    {
        let cells = PLACES.map(|organization| {
            verdict(
                &Standing {
                    organization,
                    project: None,
                },
                permission,
            )
            .to_owned()
        });
        row(&mut table, permission.name(), cells);
    }
    table.push('\n');
    let places = project_places();
    let role = |place: &Option<ProjectStanding>| place.map_or("nobody".to_owned(), |place| place.role.to_string());
    let why = |place: &Option<ProjectStanding>| match place.map(|place| place.because) {
        None => "".to_owned(),
        Some(Because::OrganizationAdmin) => "org admin".to_owned(),
        Some(Because::OrganizationMember) => "default".to_owned(),
        Some(Because::Added) => "added".to_owned(),
        Some(Because::External) => "external".to_owned(),
    };
    row(&mut table, "project", places.iter().map(role));
    row(&mut table, "", places.iter().map(why));
    for permission in Permission::ALL
        .iter()
        .copied()
        .filter(|permission| permission.scope() == Scope::Project)
    {
        let cells = places.iter().map(|place| {
            verdict(
                &Standing {
                    organization: None,
                    project: *place,
                },
                permission,
            )
            .to_owned()
        });
        row(&mut table, permission.name(), cells);
    }
    insta::assert_snapshot!(table);
}

/// X3: a project role gives nothing of the organization. And the other way round: an organization role counts in a
/// project only as the directory derives it (C4, D2).
#[test]
fn the_organization_role_decides_the_organization_and_the_project_role_the_project() {
    for &permission in Permission::ALL {
        for organization in PLACES {
            for project in project_places() {
                let alone = match permission.scope() {
                    Scope::Organization => Standing {
                        organization,
                        project: None,
                    },
                    Scope::Project => Standing {
                        organization: None,
                        project,
                    },
                };
                assert_eq!(
                    decide(&Standing { organization, project }, permission),
                    decide(&alone, permission)
                );
            }
        }
    }
}

/// R2: hidden is 404, visible but not allowed is 403 with the permission's name.
#[test]
fn a_refusal_says_hidden_without_access_and_forbidden_without_the_role() {
    for &permission in Permission::ALL {
        for organization in PLACES {
            for project in project_places() {
                let standing = Standing { organization, project };
                let expected = match decide(&standing, permission) {
                    Decision::Allowed(_) => Ok(()),
                    Decision::Denied(Denial::Hidden) => Err(Refusal::Hidden),
                    Decision::Denied(Denial::Role | Denial::KeyScope | Denial::NotForKeys) => {
                        Err(Refusal::Forbidden(permission))
                    }
                };
                assert_eq!(standing.require(permission).map(drop), expected);
                assert_eq!(standing.may(permission), expected.is_ok());
            }
        }
    }
    assert!(
        Permission::ALL
            .iter()
            .all(|&permission| Standing::default().require(permission) == Err(Refusal::Hidden))
    );
}

/// P3, P4, X3: who has no access to a project is not told by a refusal that it is there; who has, is not told that it
/// isn't.
#[test]
fn what_is_done_to_a_project_by_organization_role_is_hidden_with_it_and_else_refused() {
    let permission = Permission::ProjectDelete;
    for organization in PLACES {
        for project in project_places() {
            let standing = Standing { organization, project };
            let is_admin = organization.is_some_and(OrganizationStanding::is_admin);
            let expected = match project {
                None => Err(Refusal::Hidden),
                Some(_) if is_admin => Ok(()),
                Some(_) => Err(Refusal::Forbidden(permission)),
            };
            assert_eq!(standing.require_on_project(permission).map(drop), expected);
        }
    }
}

/// INTERFACES, permission names: programs rely on them.
#[test]
fn permission_names_are_the_documented_ones() {
    let documented = "
        organization:read organization:update billing:read billing:update project:list project:create project:delete
        member:list member:invite member:remove member:update_role
        project:read project:update usage:read audit:read api_key:list api_key:create api_key:revoke
        collaborator:list collaborator:add collaborator:remove collaborator:update_role
        cluster:view cluster:use cluster:ssh cluster:create cluster:scale cluster:configure cluster:delete
        volume:view volume:read volume:write volume:create volume:resize volume:delete
        model:view model:use model:create model:delete
        endpoint:view endpoint:use endpoint:create endpoint:delete
        evaluation:view evaluation:use evaluation:create evaluation:delete
        file:view file:use file:create file:delete";
    let names: Vec<_> = Permission::ALL.iter().map(|permission| permission.name()).collect();
    assert_eq!(names, documented.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_permission_is_read_back_from_its_name_and_from_json() {
    for &permission in Permission::ALL {
        assert_eq!(permission.name().parse(), Ok(permission));
        assert_eq!(permission.to_string(), permission.name());
        let json = serde_json::to_string(&permission).unwrap();
        assert_eq!(json, format!("{:?}", permission.name()));
        assert_eq!(serde_json::from_str::<Permission>(&json).unwrap(), permission);
    }
    assert!("cluster:*".parse::<Permission>().is_err());
    assert!("Cluster:View".parse::<Permission>().is_err());
}

#[test]
fn roles_and_reasons_are_read_back_from_their_codes() {
    for role in ProjectRole::ALL {
        assert_eq!(role.code().parse(), Ok(role));
        assert_eq!(serde_json::to_string(&role).unwrap(), format!("{:?}", role.code()));
        assert_eq!(role.other().other(), role);
        assert_ne!(role.other(), role);
    }
    for role in OrganizationRole::ALL {
        assert_eq!(role.code().parse(), Ok(role));
        assert_eq!(serde_json::to_string(&role).unwrap(), format!("{:?}", role.code()));
    }
    for because in Because::ALL {
        assert_eq!(
            serde_json::to_string(&because).unwrap(),
            format!("{:?}", because.code())
        );
    }
    assert!("Admin".parse::<ProjectRole>().is_err());
    assert!("owner".parse::<OrganizationRole>().is_err());
}
