//! The operator's command line (INTERFACES, commands), as the program `roster` on a real database: what it says, how it
//! ends, and that the audit knows who did it.

#[cfg(test)]
mod operator {
    use std::{
        io::Write,
        process::{Command, Output, Stdio},
    };

    use directory::{Directory, Principal, Settings};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    /// A database with the demo organization, and the program.
    struct Operator {
        pool: PgPool,
        url: String,
    }

    impl Operator {
        async fn new(pool: PgPool) -> Self {
            Directory::new(pool.clone(), Settings::default())
                .load_demo(&Principal::operator())
                .await
                .unwrap();
            let name: String = sqlx::query_scalar("SELECT current_database()::text")
                .fetch_one(&pool)
                .await
                .unwrap();
            // The same server as the test's own, another database.
            let url = std::env::var("DATABASE_URL").unwrap();
            let (address, options) = url.split_once('?').unwrap_or((&url, ""));
            let (server, _) = address.rsplit_once('/').unwrap();
            let url = format!("{server}/{name}?{options}");
            Self { pool, url }
        }

        fn run(&self, arguments: &[&str], input: &str) -> Output {
            let mut program = Command::new(env!("CARGO_BIN_EXE_roster"))
                .args(arguments)
                .env("DATABASE_URL", &self.url)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            program.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            program.wait_with_output().unwrap()
        }

        /// What it says in JSON, having ended well.
        fn json(&self, arguments: &[&str]) -> Value {
            let output = self.run(&[arguments, &["--json"]].concat(), "");
            assert!(
                output.status.success(),
                "{arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            serde_json::from_slice(&output.stdout).unwrap()
        }

        /// The one line it ends with, having failed.
        fn error(&self, arguments: &[&str], input: &str) -> String {
            let output = self.run(arguments, input);
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(
                !output.status.success() && output.stdout.is_empty(),
                "{arguments:?}: {error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
            error
        }

        /// What the audit says of an action: who did it, by what, and whether it was refused.
        async fn audited(&self, action: &str) -> Vec<(String, String, Option<String>)> {
            sqlx::query_as("SELECT actor_kind, credential, refusal FROM audit_events WHERE action = $1 ORDER BY id")
                .bind(action)
                .fetch_all(&self.pool)
                .await
                .unwrap()
        }
    }

    fn done() -> (String, String, Option<String>) {
        ("operator".to_owned(), "command line".to_owned(), None)
    }

    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn organizations_are_listed_with_owner_members_and_switch(pool: PgPool) {
        let operator = Operator::new(pool).await;
        assert_eq!(
            operator.json(&["admin", "organization", "list"]),
            json!([
                {
                    "slug": "acme", "name": "Acme Research", "owner": "olivia@acme.test", "members": 5, "projects": 3,
                    "additional_projects": true
                },
                {
                    "slug": "partner", "name": "Partner Labs", "owner": "eve@partner.test", "members": 1, "projects": 1,
                    "additional_projects": true
                },
            ])
        );
        let words = String::from_utf8(operator.run(&["admin", "organization", "list"], "").stdout).unwrap();
        assert_eq!(words.lines().count(), 2, "{words}");
        assert!(words.contains("acme") && words.contains("olivia@acme.test"), "{words}");
    }

    /// J4: without a mail server the operator proves addresses; A1: the audit says who did.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn j4_an_address_is_verified(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let proved = "SELECT count(*) FROM users WHERE email = 'mia@acme.test' AND email_proved_at IS NOT NULL";
        sqlx::query("UPDATE users SET email_proved_at = NULL")
            .execute(&operator.pool)
            .await
            .unwrap();
        let answer = operator.json(&["admin", "user", "verify", " Mia@Acme.test"]);
        assert_eq!(answer["email"], "mia@acme.test");
        let proved: i64 = sqlx::query_scalar(proved).fetch_one(&operator.pool).await.unwrap();
        assert_eq!(proved, 1);
        let told: String = sqlx::query_scalar("SELECT actor_kind FROM audit_events WHERE action = 'user:verify_email'")
            .fetch_one(&operator.pool)
            .await
            .unwrap();
        assert_eq!(told, "operator");
        for (email, says) in [
            ("nobody@nowhere.test", "No account has this address"),
            ("nobody", "Enter an email"),
        ] {
            let error = operator.error(&["admin", "user", "verify", email], "");
            assert!(error.contains(says), "{error}");
        }
    }

    /// J5: somebody lost the old mailbox.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn j5_the_operator_gives_an_account_another_address(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let set = |email, new| ["admin", "user", "set-email", email, new];
        for (email, new, says) in [
            ("nobody@nowhere.test", "mia@new.test", "No account has this address"),
            ("mia@acme.test", "noah@acme.test", "An account has this address already"),
            ("mia@acme.test", "mia@acme.test", "has this address already"),
            ("mia@acme.test", "nobody", "Enter an email address"),
        ] {
            let error = operator.error(&set(email, new), "");
            assert!(error.contains(says), "{error}");
        }
        let answer = operator.json(&set("Mia@Acme.test", " mia@new.test"));
        assert_eq!(answer["email"], "mia@new.test");
    }

    /// W2: an Owner is lost; A1: the audit says who gave the organization to somebody else.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn w2_ownership_is_given_to_a_member_of_the_organization_only(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let transfer = ["admin", "organization", "transfer"];
        let to = |slug, email| [&transfer[..], &[slug, "--to", email]].concat();
        for (slug, email, says) in [
            ("acme", "nobody@nowhere.test", "No account has this address"),
            ("acme", "eve@partner.test", "isn\u{2019}t a member"),
            ("acme", "nobody", "Enter an email address"),
            ("nothing", "maya@acme.test", "There is no organization nothing"),
        ] {
            let error = operator.error(&to(slug, email), "");
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(
            operator.json(&to("acme", "Maya@Acme.test")),
            json!({ "slug": "acme", "owner": "maya@acme.test" })
        );
        let owner = &operator.json(&["admin", "organization", "list"])[0]["owner"];
        assert_eq!(owner, "maya@acme.test");
        let audited = operator.audited("organization:transfer").await;
        assert_eq!(audited.last(), Some(&done()));
        assert!(
            audited.iter().all(|(kind, ..)| kind == "operator"),
            "refused or done: {audited:?}"
        );
    }

    /// P1
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn p1_additional_projects_are_switched_off_and_on(pool: PgPool) {
        let operator = Operator::new(pool).await;
        for (switch, on) in [("off", false), ("on", true)] {
            let answer = operator.json(&["admin", "organization", "additional-projects", "acme", switch]);
            assert_eq!(answer, json!({ "slug": "acme", "additional_projects": on }));
            let listed = &operator.json(&["admin", "organization", "list"])[0]["additional_projects"];
            assert_eq!(*listed, json!(on));
        }
        assert_eq!(
            operator.audited("organization:additional_projects").await,
            [done(), done()]
        );
        let wrong = operator.run(&["admin", "organization", "additional-projects", "acme", "maybe"], "");
        assert!(!wrong.status.success());
    }

    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn accounts_are_made_and_given_a_password_that_no_output_repeats(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let create = [
            "admin",
            "user",
            "create",
            "nora@new.test",
            "--name",
            "Nora New",
            "--password-stdin",
        ];
        let output = operator.run(&create, "a very good password\n");
        assert!(output.status.success());
        let taken = operator.error(&create, "a very good password\n");
        assert!(taken.contains("An account has this address already"), "{taken}");
        let set = ["admin", "user", "set-password", "nora@new.test", "--password-stdin"];
        let short = operator.error(&set, "short\n");
        assert!(short.contains("12 to 256 characters"), "{short}");
        let output = operator.run(&set, "another good password\n");
        assert!(output.status.success());
        for told in [output.stdout, output.stderr] {
            assert!(!String::from_utf8(told).unwrap().contains("good password"));
        }
        assert_eq!(operator.audited("user:update_password").await, [done()]);
        let [made, refused] = &operator.audited("user:create").await[..] else {
            panic!("twice tried")
        };
        assert_eq!(*made, done());
        assert_eq!(refused.2.as_deref(), Some("email_taken"));
    }

    /// E3, A3: the token is shown once; the list and the audit know it by its name alone.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn e3_gateway_tokens_are_printed_once_listed_and_revoked(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let gateway = |arguments: &[&'static str]| [&["admin", "gateway-token"], arguments].concat();
        let printed = operator.run(&gateway(&["create", "edge"]), "");
        let printed = String::from_utf8(printed.stdout).unwrap();
        let token = printed.trim_end();
        assert!(token.starts_with("rsg_") && printed.lines().count() == 1, "{printed}");
        let other = operator.json(&gateway(&["create", " nodes "]));
        assert_eq!(other["name"], "nodes");
        let other = other["token"].as_str().unwrap();
        assert!(other.starts_with("rsg_") && other != token);

        for (arguments, says) in [
            (["create", "edge"], "There is a gateway token of this name"),
            (["create", ""], "1 to 100 characters"),
            (["revoke", "nothing"], "There is no gateway token nothing"),
        ] {
            let error = operator.error(&gateway(&arguments), "");
            assert!(error.contains(says), "{error}");
        }
        let list = gateway(&["list"]);
        let listed = || {
            let rows = operator.json(&list);
            assert!(!rows.to_string().contains("rsg_"));
            let row = |row: &Value| {
                assert!(row["created_at"].is_string());
                (row["name"].as_str().unwrap().to_owned(), row["revoked_at"].is_null())
            };
            rows.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
        };
        let row = |name: &str, is_good| (name.to_owned(), is_good);
        assert_eq!(listed(), [row("edge", true), row("nodes", true)]);

        assert_eq!(operator.json(&gateway(&["revoke", "edge"])), json!({ "name": "edge" }));
        let error = operator.error(&gateway(&["revoke", "edge"]), "");
        assert!(error.contains("There is no gateway token edge"), "{error}");
        // The name is free again, for another token.
        assert_ne!(operator.json(&gateway(&["create", "edge"]))["token"], token);
        assert_eq!(listed(), [row("edge", true), row("nodes", true), row("edge", false)]);
        let words = String::from_utf8(operator.run(&list, "").stdout).unwrap();
        assert!(words.lines().count() == 3 && !words.contains("rsg_"), "{words}");

        let refused = |code: &str| (done().0, done().1, Some(code.to_owned()));
        assert_eq!(
            operator.audited("gateway_token:create").await,
            [done(), done(), refused("gateway_name_taken"), done()]
        );
        assert_eq!(
            operator.audited("gateway_token:revoke").await,
            [refused("not_found"), done(), refused("not_found")]
        );
        let repeated: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit_events e WHERE strpos(e::text, $1) + strpos(e::text, $2) > 0",
        )
        .bind(&token[4..12])
        .bind(&other[4..12])
        .fetch_one(&operator.pool)
        .await
        .unwrap();
        assert_eq!(repeated, 0);
    }

    /// E7: a token's scope is said when it is made, and listed; with none it is for everything, SSH keys with it.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn e7_a_gateway_tokens_scope_is_said_and_listed(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let create = |arguments: &[&'static str]| [&["admin", "gateway-token", "create"], arguments].concat();
        let whole = operator.run(&create(&["everything"]), "");
        let said = String::from_utf8(whole.stderr).unwrap();
        assert!(
            said.contains("the whole installation") && said.contains("reads the SSH keys"),
            "{said}"
        );
        let (project, cluster): (String, String) = sqlx::query_as(
            "SELECT r.project_id::text, r.id::text FROM resources r JOIN project_slugs s USING (project_id)
             WHERE s.slug = 'ml-research' AND r.kind = 'cluster' LIMIT 1",
        )
        .fetch_one(&operator.pool)
        .await
        .unwrap();
        let (project, cluster): (&'static str, &'static str) = (project.leak(), cluster.leak());
        let narrow = operator.json(&create(&[
            "narrow",
            "--organization",
            "acme",
            "--allow",
            "endpoint,volume:read",
        ]));
        assert_eq!(narrow["scope"]["organization"]["slug"], "acme");
        assert_eq!(narrow["scope"]["allow"], json!(["endpoint", "volume:read"]));
        assert_eq!(
            (&narrow["scope"]["ssh"], &narrow["scope"]["installation"]),
            (&json!(false), &json!(false))
        );
        let node = operator.json(&create(&[
            "node",
            "--cluster",
            cluster,
            "--ssh",
            "--expires",
            "2999-12-31",
        ]));
        assert_eq!(node["scope"]["cluster"], cluster);
        assert_eq!(
            node["scope"]["project"],
            json!({ "id": project, "slug": "ml-research" })
        );
        assert_eq!(
            (&node["scope"]["ssh"], &node["expires_at"]),
            (&json!(true), &json!("3000-01-01T00:00:00Z"))
        );

        for (arguments, says) in [
            (vec!["x", "--organization", "nothing"], "There is no such organization"),
            (
                vec!["x", "--organization", "partner", "--project", project],
                "one within the other",
            ),
            (
                vec!["x", "--project", "production", "--cluster", cluster],
                "one within the other",
            ),
            (vec!["x", "--cluster", "node-7"], "no cluster"),
            (
                vec!["x", "--allow", "rocket"],
                "neither a kind of resource nor a permission",
            ),
            (vec!["x", "--expires", "2001-01-01"], "Enter a date"),
            (vec!["x", "--expires", "soon"], "Enter a date"),
        ] {
            let error = operator.error(&create(&arguments), "");
            assert!(error.contains(says), "{arguments:?}: {error}");
        }
        assert_scopes_are_listed(&operator, cluster);
    }

    fn assert_scopes_are_listed(operator: &Operator, cluster: &str) {
        let words = operator.run(&["admin", "gateway-token", "list"], "").stdout;
        let words = String::from_utf8(words).unwrap();
        let lines: Vec<_> = words.lines().collect();
        assert_eq!(lines.len(), 3, "{words}");
        assert!(
            lines[0].starts_with("everything  the whole installation  allow everything  ssh yes"),
            "{words}"
        );
        assert!(
            lines[1].starts_with("narrow  organization acme  allow endpoint,volume:read  ssh no"),
            "{words}"
        );
        assert!(
            lines[2].contains(cluster) && lines[2].contains("expires 3000-01-01"),
            "{words}"
        );
    }

    /// E9, A3: a meter's token is shown once, listed by its name, and ends at once.
    #[sqlx::test(migrations = "../crates/directory/migrations")]
    async fn e9_meter_tokens_are_printed_once_listed_and_revoked(pool: PgPool) {
        let operator = Operator::new(pool).await;
        let meter = |arguments: &[&'static str]| [&["admin", "meter-token"], arguments].concat();
        let printed = String::from_utf8(operator.run(&meter(&["create", "scheduler"]), "").stdout).unwrap();
        assert!(printed.starts_with("rsm_") && printed.lines().count() == 1, "{printed}");
        let taken = operator.error(&meter(&["create", "scheduler"]), "");
        assert!(taken.contains("There is a meter token of this name"), "{taken}");
        let listed = operator.json(&meter(&["list"]));
        assert!(
            listed[0]["name"] == "scheduler" && !listed.to_string().contains("rsm_"),
            "{listed}"
        );
        assert_eq!(
            operator.json(&meter(&["revoke", "scheduler"])),
            json!({ "name": "scheduler" })
        );
        let error = operator.error(&meter(&["revoke", "scheduler"]), "");
        assert!(error.contains("There is no meter token scheduler"), "{error}");
        assert!(!operator.json(&meter(&["list"]))[0]["revoked_at"].is_null());
    }
}
